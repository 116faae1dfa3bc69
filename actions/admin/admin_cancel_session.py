"""admin-cancel-session: calls off a member's session."""

from __future__ import annotations

from actions.action import Action, AdminOrder, Answer, Scope
from actions.admin.session_cancelling import cancel_and_tell
from actions.command import Command
from actions.errors import NotFound
from actions.retrying import retry_on_conflict
from actions.scheduling.lookup import SessionId
from services.platform import Platform


class AdminCancelSession(AdminOrder):
    """Which session, and why; its member is told the reason."""

    session_id: SessionId


def admin_cancel_session(request: AdminCancelSession, platform: Platform) -> Answer:
    """Cancel a session, or end one that has begun, whoever's it is. Raises NotFound, SessionIsOver."""
    retry_on_conflict(lambda: _cancel(request, platform))
    return {"success": True, "message": "Scheduled session cancelled successfully"}


def _cancel(request: AdminCancelSession, platform: Platform) -> None:
    session = platform.sessions.find(request.session_id)
    if session is None:
        raise NotFound("There is no such session.", field="sessionId", value=request.session_id)
    cancel_and_tell(platform, session, request.reason)


ACTION = Action(
    AdminCancelSession,
    admin_cancel_session,
    Scope.ADMIN,
    Command(
        "Cancel a member's session",
        options={
            "session_id": "Which session",
            "reason": "Why; the audit keeps it",
        },
    ),
)
