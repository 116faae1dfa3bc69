"""Sessions that leave a licence: for its owner, who comes first, or since it is taken out of the pool.

They move to another licence, and are cancelled, with a notice, only where none is free. A session that is being
prepared or played is never touched.
"""

from __future__ import annotations

from actions.licenses import rules
from actions.licenses.choosing import candidates, without
from actions.licenses.reservations import Reservations, how_it_ended
from actions.lookup import own_license
from actions.notices import tell
from services import clock
from services.instances import WHOLE, Instance
from services.licenses import License, Window
from services.platform import Platform
from services.sessions import Session, SessionStatus

FOR_THE_OWNER = "The licence's owner needs it at that time, and no other licence was free."
_WITHDRAWN = "Its licence was taken out of the pool, and no other licence was free."
_MOST_DISPLACED = 20  # a transaction holds 100 writes


def displaceable(
    platform: Platform, owner: Instance, span: rules.Span, before: Session | None = None
) -> list[Session]:
    """The sessions of others that give way on the owner's licence; none if that does not make it free."""
    license, now = own_license(platform, owner), clock.now()
    if license is None or (before and before["status"] != SessionStatus.SCHEDULED):
        return []
    if rules.is_played_on(license, owner["userId"]) and span[0] < now + rules.TOLD_SECONDS:
        return []
    in_the_way = rules.overlaps(rules.coming(without(license, before), now), *span)
    if len(in_the_way) > _MOST_DISPLACED:
        return []
    found = [platform.sessions.find(window["sessionId"]) for window in in_the_way]
    sessions = [s for s in found if s and _may_be_moved(s, license, owner["userId"])]
    return sessions if len(sessions) == len(in_the_way) else []


def reassign(platform: Platform, session: Session) -> None:
    """Move a session that has not begun from a withdrawn licence to another, or cancel it with a notice.

    Raises ConditionFailed if something changed meanwhile.
    """
    changes = Reservations(platform)
    is_moved = leave(platform, changes, session, _WITHDRAWN)
    changes.write()
    if not is_moved:
        tell_cancelled(platform, changes, session, _WITHDRAWN)


def move_sessions(platform: Platform, license: License, windows: list[Window]) -> None:
    """Reassign those sessions that have these times on a withdrawn licence and are not begun.

    The server of one that begins soon may run for it already.
    """
    soon = clock.now() + rules.CLOSE_SECONDS
    for window in windows:
        session = platform.sessions.find(window["sessionId"])
        is_played = window["begins"] < soon and rules.is_played_by(license, window["userId"])
        if session and session["status"] == SessionStatus.SCHEDULED and not is_played:
            reassign(platform, session)


def leave(platform: Platform, changes: Reservations, session: Session, why: str) -> bool:
    """Have the session leave its licence; False if it is cancelled, for `why`, for want of another one."""
    borrower, left = changes.instance(session["userId"]), changes.license(session["licenseId"])
    windows = left["windows"] if left else []
    span = next(
        ((w["begins"], w["ends"]) for w in windows if w["sessionId"] == session["sessionId"]), None
    )
    if borrower and borrower["status"] in WHOLE and span:
        for other in candidates(platform, borrower, span):
            free = changes.license(other["licenseId"])
            if other["licenseId"] == session["licenseId"] or free is None:
                continue
            if not rules.is_for(free, session["userId"]):
                continue  # it has left the pool since
            if rules.is_free(free, session["userId"], *span, clock.now()):
                changes.give_back(session)
                changes.reserve(session, free, span)
                there = {"licenseId": free["licenseId"]}
                changes.also(platform.sessions.move(session, SessionStatus.SCHEDULED, there))
                return True
    changes.end(session, how_it_ended(session), why)
    return False


def tell_cancelled(platform: Platform, changes: Reservations, session: Session, why: str) -> None:
    """Tell a member that a session had to give way."""
    if borrower := changes.instance(session["userId"]):
        about = {"sessionId": session["sessionId"], "startTime": session["startTime"]}
        tell(platform, "session-cancelled", borrower, why, None, **about)


def _may_be_moved(session: Session, license: License, owner_id: str) -> bool:
    if session["userId"] == owner_id or rules.is_played_by(license, session["userId"]):
        return False
    return session["status"] == SessionStatus.SCHEDULED
