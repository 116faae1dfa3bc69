"""A licence that stays in the pool though its owner's server was destroyed, until the owner takes it back."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from actions.licenses import rules
from actions.licenses.reassigning import move_sessions
from services import clock
from services.dynamodb import ConditionFailed, transact
from services.platform import Platform


def steps(platform: Platform) -> list[Callable[[], bool]]:
    """A tick's steps, one for each licence that its owner takes back."""
    ending = [license["licenseId"] for license in platform.licenses.ending()]
    return [partial(end, platform, license_id) for license_id in ending]


def end(platform: Platform, license_id: str) -> bool:
    """Forget a licence that is being taken back, and its key, once nobody plays on it. Always False.

    Sessions that have not begun leave it first. Raises ConditionFailed if something changed meanwhile.
    """
    license = platform.licenses.find(license_id)
    if license is None or license.get("pool") != "ending":
        return False
    move_sessions(platform, license, license["windows"])
    license, now = platform.licenses.find(license_id), clock.now()
    if license is None or "kept" not in license:
        return False
    if rules.coming(license, now) or rules.holder_of(license, now):
        return False
    kept = license["kept"]
    platform.secrets.delete(kept["instanceId"])
    try:
        transact(*platform.licenses.forget_kept(license, kept))
    except ConditionFailed:
        if platform.licenses.find(license_id):
            raise
    return False
