"""Calling off a session that has not begun, by its member or by an administrator."""

from __future__ import annotations

from actions.errors import WrongState
from actions.licenses import reservations
from services.platform import Platform
from services.sessions import NOT_BEGUN, Session, SessionStatus


def cancel(platform: Platform, session: Session, reason: str, *, while_it_runs: str) -> None:
    """Cancel a session; its licence is free for that time again.

    `while_it_runs` is what to do about one that has begun. Raises WrongState; ConditionFailed if something
    changed meanwhile: then read again and repeat.
    """
    if session["status"] not in NOT_BEGUN:
        hint = while_it_runs if session["status"] == SessionStatus.RUNNING else "It is over."
        raise WrongState("session cancelled", session["status"], hint)
    reservations.close(platform, session, SessionStatus.CANCELLED, reason)
