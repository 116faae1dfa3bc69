"""The owner first: making room on a licence for its owner.

Other members' sessions that have not begun are moved to another licence of the pool, and cancelled, with a
notice, only where none is free. A session that is being prepared or played is never touched.
"""

from __future__ import annotations

from actions.licenses import rules
from actions.licenses.reservations import bookings, close, usable, without
from actions.notices import tell
from services import clock
from services.dynamodb import transact
from services.instances import Instance
from services.licenses import License, Window
from services.platform import Platform
from services.sessions import Session, SessionStatus

_FOR_THE_OWNER = "The licence's owner needs it at that time, and no other licence was free."


def free_for_owner(platform: Platform, owner: Instance, begins: int, ends: int) -> bool:
    """Free the owner's own licence for a time; False if that cannot be.

    Raises ConditionFailed if something changed meanwhile: then read again and repeat.
    """
    own = owner.get("licenseId")
    license = platform.licenses.find(own) if own else None
    now = clock.now()
    if license is None:
        return False
    if rules.is_played_on(license, owner["userId"]) and begins < now + rules.TOLD_SECONDS:
        return False
    in_the_way = rules.overlaps(rules.coming(license, now), begins, ends)
    sessions = [platform.sessions.find(window["sessionId"]) for window in in_the_way]
    if not all(s and _may_be_moved(s, owner["userId"]) for s in sessions):
        return False
    for window, session in zip(in_the_way, sessions, strict=True):
        if session:
            reassign(platform, license["licenseId"], window, session)
    return True


def reassign(platform: Platform, license_id: str, window: Window, session: Session) -> None:
    """Move another member's coming session to another licence, or cancel it with a notice."""
    license = platform.licenses.find(license_id)
    borrower = platform.instances.find(session["userId"])
    if license is None or borrower is None:
        close(platform, session, SessionStatus.CANCELLED, _FOR_THE_OWNER)
        return
    now = clock.now()
    for other in usable(platform, borrower):
        free = rules.is_free(other, session["userId"], window["begins"], window["ends"], now)
        if other["licenseId"] != license_id and free:
            _move(platform, borrower, session, window, license, other)
            return
    close(platform, session, SessionStatus.CANCELLED, _FOR_THE_OWNER)
    tell(platform, "session-cancelled", borrower, _FOR_THE_OWNER, sessionId=session["sessionId"])


def _may_be_moved(session: Session, owner_id: str) -> bool:
    return session["userId"] != owner_id and session["status"] == SessionStatus.SCHEDULED


def _move(
    platform: Platform,
    borrower: Instance,
    session: Session,
    window: Window,
    license: License,
    other: License,
) -> None:
    there = {"licenseId": other["licenseId"]}
    moved = [
        {**booking, **there} if booking["sessionId"] == session["sessionId"] else booking
        for booking in borrower.get("bookings", [])
    ]
    windows = [*rules.coming(other, clock.now()), window]
    transact(
        platform.licenses.change(license, *without(license, session)),
        platform.licenses.change(other, {"windows": windows}),
        platform.sessions.move(session, SessionStatus.SCHEDULED, there),
        bookings(platform, borrower, moved),  # type: ignore[arg-type]
    )
