"""cancel-scheduled-session: calls a session off, or ends it early."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.retrying import retry_on_conflict
from actions.scheduling.cancelling import cancel
from actions.scheduling.lookup import SessionId, session_of
from services.platform import Platform
from services.sessions import SessionStatus


class CancelScheduledSession(UserRequest):
    """Whose session, and which."""

    session_id: SessionId


def cancel_scheduled_session(request: CancelScheduledSession, platform: Platform) -> Answer:
    """Cancel a session that has not begun, or end one that has: its licence is free for that time again.

    A server that was started for it goes on until it is idle or stopped. Raises SessionNotFound, SessionIsOver.
    """
    status = retry_on_conflict(lambda: _cancel(request, platform))
    ended = status == SessionStatus.COMPLETED
    message = "Session ended" if ended else "Scheduled session cancelled successfully"
    return {"success": True, "message": message}


def _cancel(request: CancelScheduledSession, platform: Platform) -> SessionStatus:
    session = session_of(platform, request.user_id, request.session_id)
    reason = "Ended by the member" if "runId" in session else "Cancelled by the member"
    return cancel(platform, session, reason)


ACTION = Action(CancelScheduledSession, cancel_scheduled_session, Scope.USER)
