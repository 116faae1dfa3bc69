"""get-scheduled-sessions: a member's sessions."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from services.platform import Platform
from services.sessions import Session

_SHOWN = (
    "sessionId",
    "startTime",
    "duration",
    "status",
    "title",
    "description",
    "reason",
    "licenseId",
)


class GetScheduledSessions(UserRequest):
    """Whose sessions."""


def get_scheduled_sessions(request: GetScheduledSessions, platform: Platform) -> Answer:
    """All sessions of the user, past and coming, the earliest first."""
    sessions = [_shown(session) for session in platform.sessions.of_user(request.user_id)]
    return {"success": True, "sessions": sessions}


def _shown(session: Session) -> Answer:
    stored = dict(session)
    return {field: stored[field] for field in _SHOWN if field in stored}


ACTION = Action(GetScheduledSessions, get_scheduled_sessions, Scope.USER)
