"""Sessions called off by an administrator."""

from __future__ import annotations

from typing import Any

from actions.errors import WrongState
from actions.notices import announce
from actions.scheduling.booking import CANCELLED, PREPARING, SCHEDULED, close
from services.platform import Platform
from services.sessions import Session

NOT_BEGUN = (SCHEDULED, PREPARING)


def call_off(platform: Platform, session: Session, reason: str | None) -> None:
    """Cancel a session that has not begun, and tell its member.

    Raises WrongState; ConditionFailed if something changed meanwhile: then read again and repeat.
    """
    if session["status"] not in NOT_BEGUN:
        hint = "Use admin-force-shutdown." if session["status"] == "running" else "It is over."
        raise WrongState("session cancelled", session["status"], hint)
    why = "Cancelled by an administrator" + (f": {reason}" if reason else "")
    close(platform, session, CANCELLED, why)
    message = f"Your session was cancelled. {why}"
    facts: dict[str, Any] = {"sessionId": session["sessionId"], "startTime": session["startTime"]}
    announce(platform, "session-cancelled", session["userId"], message, **facts)
