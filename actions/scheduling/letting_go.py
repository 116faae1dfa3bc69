"""What a member's server had booked, lent and leased, given back before it is destroyed."""

from __future__ import annotations

from actions.licenses import rules
from actions.scheduling.booking import CANCELLED, OPEN, close
from actions.scheduling.displacing import displace
from actions.trying import decided
from services import clock
from services.dynamodb import transact
from services.instances import Instance
from services.platform import Platform

_DESTROYED = "The server was destroyed."


def let_go(platform: Platform, instance: Instance) -> None:
    """Cancel the member's sessions, move others' from the member's licence, end the lease. Repeatable."""
    for booking in instance.get("bookings", []):
        session_id = booking["sessionId"]
        decided(lambda session_id=session_id: _cancel(platform, session_id))  # type: ignore[misc]
    if own := instance.get("licenseId"):
        decided(lambda: _move_others(platform, own))
    decided(lambda: _end_lease(platform, instance["userId"]))


def _cancel(platform: Platform, session_id: str) -> None:
    session = platform.sessions.find(session_id)
    if session and session["status"] in OPEN:
        close(platform, session, CANCELLED, _DESTROYED)


def _move_others(platform: Platform, license_id: str) -> None:
    license = platform.licenses.find(license_id)
    if license is None:
        return
    if "pool" in license:  # nobody may book it any more while its bookings are moved
        transact(platform.licenses.change(license, {}, ("pool", "leaving")))
    for window in rules.coming(license, clock.now()):
        session = platform.sessions.find(window["sessionId"])
        if session and session["status"] in OPEN:
            displace(platform, license_id, window, session)


def _end_lease(platform: Platform, user_id: str) -> None:
    now = clock.now()
    lease = platform.licenses.lease_of(user_id)
    if lease is None:
        return
    operations = [platform.licenses.forget_lease(user_id)]
    license = platform.licenses.find(lease["leased"])
    if license and rules.is_leased_by(license, user_id, now):
        operations.append(platform.licenses.free(license, now))
    transact(*operations)
