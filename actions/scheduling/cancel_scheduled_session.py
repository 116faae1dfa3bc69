"""cancel-scheduled-session: calls a session off."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest
from actions.errors import SessionNotFound
from actions.retrying import retry_on_conflict
from actions.scheduling.cancelling import cancel
from services.platform import Platform


class CancelScheduledSession(UserRequest):
    """Whose session, and which."""

    session_id: Annotated[str, Field(min_length=1, max_length=64)]


def cancel_scheduled_session(request: CancelScheduledSession, platform: Platform) -> Answer:
    """Cancel a session that has not begun; its licence is free for that time again.

    A server that was started for it goes on until it is idle or stopped. Raises SessionNotFound, WrongState.
    """
    retry_on_conflict(lambda: _cancel(platform, request.user_id, request.session_id))
    return {"success": True, "message": "Scheduled session cancelled successfully"}


def _cancel(platform: Platform, user_id: str, session_id: str) -> None:
    session = platform.sessions.find(session_id)
    if session is None or session["userId"] != user_id:
        raise SessionNotFound(session_id)
    hint = "Stop the server with stop-instance."
    cancel(platform, session, "Cancelled by the member", while_it_runs=hint)


ACTION = Action(CancelScheduledSession, cancel_scheduled_session, Scope.USER)
