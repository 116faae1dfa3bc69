"""request-license: a licence of the pool, held until the member starts (contract: Request License)."""

from __future__ import annotations

from collections.abc import Iterator

from actions.action import Action, Answer, Scope, UserRequest
from actions.licenses import rules
from actions.licenses.choosing import pool_is_empty
from actions.trying import decided
from services import clock
from services.dynamodb import ConditionFailed, transact
from services.platform import Platform


class RequestLicense(UserRequest):
    """Who wants a licence."""


def request_license(request: RequestLicense, platform: Platform) -> Answer:
    """Lease the longest unused free licence for 15 minutes, or renew the lease that the user has.

    Raises LicenseTaken when none is free, with when the next one is expected.
    """
    license_id, until = decided(lambda: _leased(platform, request.user_id))
    return {
        "success": True,
        "licenseId": license_id,
        "reservedUntil": until,
        "message": "License assigned successfully",
    }


def _leased(platform: Platform, user_id: str) -> tuple[str, int]:
    """Lease one; raises ConditionFailed if others were quicker with every one that looked free."""
    quicker = None
    for license_id in _candidates(platform, user_id):
        now = clock.now()
        license = platform.licenses.find(license_id)
        if license is None or not rules.may_use(license, user_id, now):
            continue
        until = now + rules.LEASE_SECONDS
        try:
            transact(
                platform.licenses.lease(license, user_id, until),
                platform.licenses.note_lease(user_id, license_id, until, now),
            )
        except ConditionFailed as refused:
            quicker = refused
            continue
        return license_id, until
    if quicker:
        raise quicker
    raise pool_is_empty(platform)


def _candidates(platform: Platform, user_id: str) -> Iterator[str]:
    lease = platform.licenses.lease_of(user_id)
    if lease and lease["until"] > clock.now():
        yield lease["leased"]
        return  # one at a time: the one that is held is renewed
    yield from platform.licenses.shared()


ACTION = Action(RequestLicense, request_license, Scope.USER)
