"""What a member's server had booked, lent and leased, given back before it is destroyed."""

from __future__ import annotations

from actions.licenses import rules
from actions.licenses.reassigning import reassign
from actions.licenses.reservations import close, how_it_ended
from actions.retrying import retry_on_conflict
from services import clock
from services.concurrency import concurrently
from services.dynamodb import transact
from services.instances import Instance
from services.platform import Platform
from services.sessions import NOT_BEGUN, OPEN, Session

_DESTROYED = "The server was destroyed."
_WITHDRAWN = "The licence that it was played on was taken away by its owner."


def release_all(platform: Platform, instance: Instance, *, with_license: bool = True) -> bool:
    """Cancel the member's sessions, end the lease, and `with_license` move others' from that. Repeatable.

    False while another member plays on the licence, who took it before it was withdrawn: it has to stay.
    """
    for booking in instance.get("bookings", []):
        session_id = booking["sessionId"]
        retry_on_conflict(lambda session_id=session_id: _cancel(platform, session_id))  # type: ignore[misc]
    own = instance.get("licenseId") if with_license else None
    _, is_free = concurrently(
        lambda: retry_on_conflict(lambda: _end_lease(platform, instance["userId"])),
        lambda: own is None or retry_on_conflict(lambda: _withdrawn(platform, own)),
    )
    return bool(is_free)


def _cancel(platform: Platform, session_id: str) -> None:
    session = platform.sessions.find(session_id)
    if session and session["status"] in OPEN:
        close(platform, session, how_it_ended(session), _DESTROYED)


def _withdrawn(platform: Platform, license_id: str) -> bool:
    """Let nobody have the licence any more; whether nobody's server runs on it."""
    license = platform.licenses.find(license_id)
    if license is None:
        return True
    if license.get("pool") == "shared":  # nobody may book it any more while its bookings are moved
        transact(platform.licenses.change(license, {}, ("pool", "leaving")))
    for window in rules.coming(license, clock.now()):
        session = platform.sessions.find(window["sessionId"])
        is_played = rules.is_played_by(license, window["userId"])
        if session and session["status"] in OPEN and not is_played:
            _let_go(platform, session)
            return _withdrawn(platform, license_id)  # it may have been taken until just now
    return "holder" not in license or "leaseUntil" in license


def _let_go(platform: Platform, session: Session) -> None:
    if session["status"] in NOT_BEGUN:
        reassign(platform, session)
    else:
        close(platform, session, how_it_ended(session), _WITHDRAWN)


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
