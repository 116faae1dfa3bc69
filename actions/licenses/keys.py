"""What a licence key of Foundry looks like, and that one key is one licence."""

from __future__ import annotations

import hashlib
import re
from typing import Annotated

from pydantic import AfterValidator, SecretStr

from actions.errors import Conflict, LicenseTaken
from services.dynamodb import ConditionFailed, Operation, transact
from services.instances import Instance
from services.platform import Platform

_KEY = re.compile(r"(?:[A-Za-z0-9]{4}-?){5}[A-Za-z0-9]{4}", re.ASCII)


def _complete(key: SecretStr) -> SecretStr:
    """Foundry's image takes anything shorter as a number among the licences of the account that is signed in."""
    if not _KEY.fullmatch(key.get_secret_value()):
        raise ValueError(
            "use the key as foundryvtt.com shows it: six groups of four letters and digits"
        )
    return key


def fingerprint_of(key: SecretStr, mark: str) -> str:
    """What a key is known by where it may not be kept: nobody can make the key of it.

    A key has 24 letters and digits by chance, more than can ever be tried. `mark` is the stack's.
    """
    plain = key.get_secret_value().replace("-", "").upper()
    return hashlib.blake2b(plain.encode(), key=mark.encode(), digest_size=16).hexdigest()


def claim_key(
    platform: Platform, instance: Instance, fingerprint: str, *operations: Operation
) -> None:
    """Carry out `operations` and claim a key for the instance's member, or neither.

    Raises LicenseTaken if another member has brought the key, Conflict if the member has left it in the pool,
    ConditionFailed if an operation is refused.
    """
    claim = platform.licenses.claim_key(fingerprint, instance["userId"], instance["instanceId"])
    try:
        transact(*operations, claim)
    except ConditionFailed as refused:
        if refused.failed != {len(operations)}:
            raise
        found = platform.licenses.claim_of(fingerprint)
        if found is None:  # it has been given back since
            return claim_key(platform, instance, fingerprint, *operations)
        if found["claimedBy"] == instance["userId"]:
            raise _left_in_the_pool(platform, instance) from refused
        raise LicenseTaken(
            "Another member of this platform has brought that licence key.",
            field="foundryLicense",
            suggestion="One key is one licence. If it is yours alone, tell an administrator.",
        ) from refused


def _left_in_the_pool(platform: Platform, instance: Instance) -> Conflict:
    """Why a member cannot use a key of their own: its licence has outlived the server that it was brought for."""
    left = platform.licenses.kept_by(instance["userId"])
    if left and left.get("pool") != "ending":
        return Conflict(
            "That licence is in the pool, where you have left it.",
            field="foundryLicense",
            suggestion="Take it back with set-license-sharing first.",
        )
    return Conflict(
        "Somebody still plays on that licence, which you have taken back.",
        field="foundryLicense",
        suggestion="Its key is yours again, within five minutes, when that is over.",
    )


def release_keys(platform: Platform, instance: Instance, claims: list[str]) -> list[Operation]:
    """The operations by which keys that were claimed for the instance are nobody's any more."""
    return [platform.licenses.release_key(claim, instance["instanceId"]) for claim in claims]


LicenseKey = Annotated[SecretStr, AfterValidator(_complete)]
