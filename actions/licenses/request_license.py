"""request-license: a licence of the pool, held until the member starts."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.licenses import rules
from actions.licenses.choosing import pool_is_empty
from actions.retrying import retry_on_conflict
from services import clock
from services.dynamodb import ConditionFailed, transact
from services.licenses import Lease, License
from services.platform import Platform


class RequestLicense(UserRequest):
    """Who wants a licence."""


def request_license(request: RequestLicense, platform: Platform) -> Answer:
    """Lease the longest unused free licence for 15 minutes, or renew the lease that the user has.

    Raises LicenseTaken when none is free, with when the next one is expected.
    """
    license_id, until = retry_on_conflict(lambda: _leased(platform, request.user_id))
    return {
        "success": True,
        "licenseId": license_id,
        "reservedUntil": until,
        "message": "License assigned successfully",
    }


def _leased(platform: Platform, user_id: str) -> tuple[str, int]:
    """Lease one; raises ConditionFailed if others were quicker with every one that looked free."""
    noted = platform.licenses.lease_of(user_id)
    had = _had(platform, user_id, noted)
    if had and rules.may_use(had, user_id, clock.now()):
        return _lease(platform, user_id, had, noted)
    taken: list[License] = []
    quicker: ConditionFailed | None = None
    for license_id in platform.licenses.shared():
        license = platform.licenses.find(license_id)
        if license is None:
            continue
        if not rules.may_use(license, user_id, clock.now()):
            taken.append(license)
            continue
        try:
            return _lease(platform, user_id, license, noted, had)
        except ConditionFailed as refused:
            quicker = refused
    raise quicker or pool_is_empty(taken)


def _had(platform: Platform, user_id: str, noted: Lease | None) -> License | None:
    """The licence that the user has leased already."""
    now = clock.now()
    license = platform.licenses.find(noted["leased"]) if noted and noted["until"] > now else None
    return license if license and rules.is_leased_by(license, user_id, now) else None


def _lease(
    platform: Platform,
    user_id: str,
    license: License,
    noted: Lease | None,
    instead_of: License | None = None,
) -> tuple[str, int]:
    """Lease it for the user, who gives back what can no longer be used: one at a time."""
    now = clock.now()
    until = now + rules.LEASE_SECONDS
    operations = [
        platform.licenses.lease(license, user_id, until),
        platform.licenses.note_lease(user_id, license["licenseId"], until, noted),
    ]
    if instead_of:
        operations.append(platform.licenses.free(instead_of, now))
    transact(*operations)
    return license["licenseId"], until


ACTION = Action(RequestLicense, request_license, Scope.USER)
