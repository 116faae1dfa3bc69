"""Which versions of Foundry can be asked for."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator, Field

DEFAULT = "13"
OLDEST, NEWEST = 11, 14
ALLOWED = f"{OLDEST} to {NEWEST}, an exact version such as 13.351, or release"


def _supported(version: str) -> str:
    found = re.fullmatch(r"(\d{2})(\.\d{1,5}){0,2}", version, re.ASCII)
    if version != "release" and not (found and OLDEST <= int(found[1]) <= NEWEST):
        raise ValueError(f"use {ALLOWED}")
    return version


Version = Annotated[str, Field(min_length=1, max_length=16), AfterValidator(_supported)]


def drops_root(version: str) -> bool:
    """Whether the image starts as root and takes its user from the environment (12 and earlier)."""
    return version.split(".")[0] in ("11", "12")
