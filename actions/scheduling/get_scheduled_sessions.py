"""get-scheduled-sessions: a member's sessions, the earliest first.

Of one that has an event in Discord, `interested` are those who are, as of some minutes ago; 100 at most are named.
At most `limit`; where there are more, `next` in the answer is what to send for those that follow. A session that is
over is kept for `SESSION_DAYS`.
"""

from __future__ import annotations

from functools import partial

from actions.action import Action, Answer, Scope
from actions.command import Command
from actions.paging import ListRequest, paged
from services.platform import Platform
from services.sessions import Session

_SHOWN = (
    "sessionId",
    "startTime",
    "duration",
    "status",
    "title",
    "description",
    "world",
    "reason",
    "licenseId",
    "interested",
)


class GetScheduledSessions(ListRequest):
    """Whose sessions."""


def get_scheduled_sessions(request: GetScheduledSessions, platform: Platform) -> Answer:
    """A page of the user's sessions, past and coming, the earliest first. Raises InvalidRequest."""
    sessions, more = paged(
        request, partial(platform.sessions.of_user, request.user_id, request.limit)
    )
    return {"success": True, "sessions": [shown(session) for session in sessions], **more}


def shown(session: Session) -> Answer:
    """A session as answers show it to its member."""
    stored = dict(session)
    return {field: stored[field] for field in _SHOWN if field in stored}


ACTION = Action(
    GetScheduledSessions,
    get_scheduled_sessions,
    Scope.USER,
    Command("Your sessions to come", at_once=True),
)
