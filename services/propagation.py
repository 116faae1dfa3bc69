"""Waiting until AWS knows everywhere what was made or changed a moment ago.

S3 and IAM answer at once and tell their own parts later: for some seconds a bucket's policy is refused that a
lifted block would allow, a new user or role is unknown, a deleted key still counts (AWS: IAM, "Changes that I make
are not always immediately visible"; S3, data consistency model).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from botocore.exceptions import ClientError

from services.aws import code_of

T = TypeVar("T")
GONE = "NoSuchEntity"  # what IAM says of what is not there
_WAITS = (0.2, 0.4, 0.8, 1.6, 3.2, 6.4)  # seconds, nearly 13 in all


def once_known(call: Callable[[], T], passing: Callable[[ClientError], bool]) -> T:
    """Carry out `call`, and again while its refusal is a `passing` one; the last refusal is raised.

    Only for calls that change nothing when they are refused.
    """
    for wait in _WAITS:
        try:
            return call()
        except ClientError as error:
            if _is_lack_of_rights(error) or not passing(error):
                raise
        time.sleep(wait)
    return call()


def unless_gone(call: Callable[[], object]) -> None:
    """Carry out a deletion of IAM's; no error if what it is about is gone."""
    try:
        call()
    except ClientError as error:
        if code_of(error) != GONE:
            raise


def codes(*names: str) -> Callable[[ClientError], bool]:
    """Whether AWS's name for a refusal is one of these."""
    return lambda error: code_of(error) in names


def _is_lack_of_rights(error: ClientError) -> bool:
    """IAM's own words for a right that nobody has given: no waiting helps (IAM, access denied messages)."""
    return "no identity-based policy allows" in str(error)
