"""admin-cancel-all-sessions: calls off every session that has not begun."""

from __future__ import annotations

from functools import partial

from actions.action import Action, AdminOrder, Answer, Scope
from actions.admin.session_cancelling import cancel_and_tell
from actions.command import Command
from actions.due_work import run_steps
from actions.licenses.rules import FARTHEST_DAYS
from actions.retrying import retry_on_conflict
from services import clock
from services.platform import Platform
from services.sessions import NOT_BEGUN


class AdminCancelAllSessions(AdminOrder):
    """Why; all members concerned are told the reason."""


def admin_cancel_all_sessions(request: AdminCancelAllSessions, platform: Platform) -> Answer:
    """Cancel all sessions that are scheduled or being prepared, side by side; repeat it if some failed."""
    horizon = clock.now() + (FARTHEST_DAYS + 1) * 86400
    ids = list(platform.sessions.due(horizon))
    outcome = run_steps(
        [partial(_cancel, platform, session_id, request.reason) for session_id in ids],
        [{"sessionId": session_id} for session_id in ids],
    )
    return {
        "success": True,
        "sessionsCancelled": outcome.done,
        "failures": outcome.failures,
        "left": outcome.left,
        "message": "Sessions cancelled; call again for those that are left"
        if outcome.left
        else "Sessions cancelled",
    }


def _cancel(platform: Platform, session_id: str, reason: str | None) -> bool:
    return retry_on_conflict(lambda: _called_off(platform, session_id, reason))


def _called_off(platform: Platform, session_id: str, reason: str | None) -> bool:
    session = platform.sessions.find(session_id)
    if session is None or session["status"] not in NOT_BEGUN:
        return False
    cancel_and_tell(platform, session, reason)
    return True


ACTION = Action(
    AdminCancelAllSessions,
    admin_cancel_all_sessions,
    Scope.ADMIN,
    Command(
        "Cancel all sessions that have not begun",
        options={
            "reason": "Why; the audit keeps it",
        },
    ),
)
