"""What a licence key of Foundry looks like."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, SecretStr

_KEY = re.compile(r"(?:[A-Za-z0-9]{4}-?){5}[A-Za-z0-9]{4}", re.ASCII)


def _complete(key: SecretStr) -> SecretStr:
    """Foundry's image takes anything shorter as a number among the licences of the account that is signed in."""
    if not _KEY.fullmatch(key.get_secret_value()):
        raise ValueError(
            "use the key as foundryvtt.com shows it: six groups of four letters and digits"
        )
    return key


LicenseKey = Annotated[SecretStr, AfterValidator(_complete)]
