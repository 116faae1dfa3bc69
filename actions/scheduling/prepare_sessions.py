"""prepare-sessions: every minute, the sessions that are due."""

from __future__ import annotations

from functools import partial

from actions.action import Action, Answer, Scope, SystemRequest
from actions.due_work import due_now, run_steps
from actions.scheduling.preparing import advance
from services import clock
from services.platform import Platform
from services.sessions import NOT_BEGUN


class PrepareSessions(SystemRequest):
    """Nothing but the schedule's own user."""


def prepare_sessions(request: PrepareSessions, platform: Platform) -> Answer:
    """Take every due session a step further, side by side; one failing session does not stop the others."""
    sessions = due_now(platform.sessions.due(clock.now()), platform.sessions.find)
    prepared = [session for session in sessions if session["status"] in NOT_BEGUN]
    outcome = run_steps(
        [partial(advance, platform, session) for session in sessions],
        [{"sessionId": session["sessionId"]} for session in sessions],
    )
    return {
        "success": True,
        "sessionsPrepared": len(prepared),
        "instancesStarted": outcome.done,
        "failures": outcome.failures,
        "message": "Session preparation completed",
    }


ACTION = Action(PrepareSessions, prepare_sessions, Scope.SYSTEM)
