"""Sessions called off by an administrator."""

from __future__ import annotations

from typing import Any

from actions.notices import announce
from actions.scheduling.cancelling import cancel
from services.platform import Platform
from services.sessions import Session, SessionStatus


def cancel_and_tell(platform: Platform, session: Session, reason: str | None) -> None:
    """Cancel a session, or end one that has begun, and tell its member.

    Raises SessionIsOver; ConditionFailed if something changed meanwhile: then read again and repeat.
    """
    why = "Cancelled by an administrator" + (f": {reason}" if reason else "")
    status = cancel(platform, session, why)
    message = (
        f"Your session was {'ended' if status == SessionStatus.COMPLETED else 'cancelled'}. {why}"
    )
    facts: dict[str, Any] = {"sessionId": session["sessionId"], "startTime": session["startTime"]}
    announce(platform, "session-cancelled", session["userId"], message, facts=facts)
