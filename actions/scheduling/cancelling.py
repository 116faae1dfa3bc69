"""Calling off a session, by its member or by an administrator."""

from __future__ import annotations

from actions.errors import SessionIsOver
from actions.licenses.reservations import close, how_it_ended
from services.platform import Platform
from services.sessions import OPEN, Session, SessionStatus


def cancel(platform: Platform, session: Session, reason: str) -> SessionStatus:
    """Cancel a session, or end one that has begun; its licence is free for that time again. Returns which it was.

    A server that runs for it goes on until it is idle or stopped. Raises SessionIsOver; ConditionFailed if
    something changed meanwhile: then read again and repeat.
    """
    if session["status"] not in OPEN:
        raise SessionIsOver(session["status"])
    status = how_it_ended(session)
    close(platform, session, status, reason)
    return status
