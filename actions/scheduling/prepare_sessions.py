"""prepare-sessions: every minute, the sessions that are due (contract: Prepare Sessions)."""

from __future__ import annotations

from functools import partial

from actions.action import Action, Answer, Scope, SystemRequest
from actions.automation.ticking import carry_on
from actions.scheduling.preparing import advance
from actions.side_by_side import side_by_side
from services import clock
from services.platform import Platform
from services.sessions import Session


class PrepareSessions(SystemRequest):
    """Nothing but the schedule's own user."""


def prepare_sessions(request: PrepareSessions, platform: Platform) -> Answer:
    """Take every due session a step further, side by side; one failing session does not stop the others."""
    sessions = _due(platform)
    started, failures = carry_on(
        [partial(advance, platform, session) for session in sessions],
        [{"sessionId": session["sessionId"]} for session in sessions],
    )
    return {
        "success": True,
        "sessionsPrepared": len(sessions),
        "instancesStarted": started,
        "failures": failures,
        "message": "Session preparation completed",
    }


def _due(platform: Platform) -> list[Session]:
    """The due sessions as they are now: the index may lag behind the table."""
    now = clock.now()
    ids = list(platform.sessions.due(now))
    found = side_by_side(*(partial(platform.sessions.find, session_id) for session_id in ids))
    return [session for session in found if session and session.get("dueAt", now + 1) <= now]


ACTION = Action(PrepareSessions, prepare_sessions, Scope.SYSTEM)
