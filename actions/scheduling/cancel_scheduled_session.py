"""cancel-scheduled-session: calls a session off (contract: Cancel Scheduled Session)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest
from actions.errors import SessionNotFound, WrongState
from actions.scheduling.booking import CANCELLED, PREPARING, SCHEDULED, close
from actions.trying import decided
from services.platform import Platform


class CancelScheduledSession(UserRequest):
    """Whose session, and which."""

    session_id: Annotated[str, Field(min_length=1, max_length=64)]


def cancel_scheduled_session(request: CancelScheduledSession, platform: Platform) -> Answer:
    """Cancel a session that has not begun; its licence is free for that time again.

    A server that was started for it goes on until it is idle or stopped. Raises SessionNotFound, WrongState.
    """
    decided(lambda: _cancel(platform, request.user_id, request.session_id))
    return {"success": True, "message": "Scheduled session cancelled successfully"}


def _cancel(platform: Platform, user_id: str, session_id: str) -> None:
    session = platform.sessions.find(session_id)
    if session is None or session["userId"] != user_id:
        raise SessionNotFound(session_id)
    if session["status"] not in (SCHEDULED, PREPARING):
        hint = (
            "Stop the server with stop-instance."
            if session["status"] == "running"
            else "It is over."
        )
        raise WrongState("session cancelled", session["status"], hint)
    close(platform, session, CANCELLED, "Cancelled by the member")


ACTION = Action(CancelScheduledSession, cancel_scheduled_session, Scope.USER)
