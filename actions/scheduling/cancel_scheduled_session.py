"""cancel-scheduled-session: calls a session off, or ends it early."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.billing.budget import refuse_if_spent
from actions.command import Command
from actions.errors import BudgetSpent, NeedsItsSession
from actions.licenses.reservations import reserved_time
from actions.retrying import retry_on_conflict
from actions.scheduling.cancelling import cancel
from actions.scheduling.lookup import SessionId, session_of
from services import clock
from services.instances import UP
from services.platform import Platform
from services.sessions import OPEN, Session, SessionStatus


class CancelScheduledSession(UserRequest):
    """Whose session, and which."""

    session_id: SessionId


def cancel_scheduled_session(request: CancelScheduledSession, platform: Platform) -> Answer:
    """Cancel a session that has not begun, or end one that has: its licence is free for that time again.

    A server that was started for it goes on until it is idle or stopped. Raises SessionNotFound, SessionIsOver,
    NeedsItsSession while it runs on a spent budget.
    """
    status = retry_on_conflict(lambda: _cancel(request, platform))
    ended = status == SessionStatus.COMPLETED
    message = "Session ended" if ended else "Scheduled session cancelled successfully"
    return {"success": True, "message": message}


def _cancel(request: CancelScheduledSession, platform: Platform) -> SessionStatus:
    session = session_of(platform, request.user_id, request.session_id)
    if _runs_for(platform, session):
        try:
            refuse_if_spent(platform, request.user_id)
        except BudgetSpent as spent:
            raise NeedsItsSession(spent.message) from spent
    reason = "Ended by the member" if "runId" in session else "Cancelled by the member"
    return cancel(platform, session, reason)


def _runs_for(platform: Platform, session: Session) -> bool:
    """Whether the member's server is up, and may be since the session needs it."""
    begins, _ = reserved_time(platform.settings, session["startTime"], session["duration"])
    instance = platform.instances.find(session["userId"])
    if instance is None or instance["status"] not in UP or clock.now() < begins:
        return False
    return session["status"] in OPEN and instance.get("runLicense") == session["licenseId"]


ACTION = Action(
    CancelScheduledSession,
    cancel_scheduled_session,
    Scope.USER,
    Command(
        "Cancel a session",
        options={
            "session_id": "Which session",
        },
    ),
)
