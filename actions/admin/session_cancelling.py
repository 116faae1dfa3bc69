"""Sessions called off by an administrator."""

from __future__ import annotations

from typing import Any

from actions.notices import announce
from actions.scheduling.cancelling import cancel
from services.platform import Platform
from services.sessions import Session


def cancel_and_tell(platform: Platform, session: Session, reason: str | None) -> None:
    """Cancel a session that has not begun, and tell its member.

    Raises WrongState; ConditionFailed if something changed meanwhile: then read again and repeat.
    """
    why = "Cancelled by an administrator" + (f": {reason}" if reason else "")
    cancel(platform, session, why, while_it_runs="Use admin-force-shutdown.")
    message = f"Your session was cancelled. {why}"
    facts: dict[str, Any] = {"sessionId": session["sessionId"], "startTime": session["startTime"]}
    announce(platform, "session-cancelled", session["userId"], message, facts=facts)
