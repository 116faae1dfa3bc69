"""prepare-sessions: every minute, the sessions that are due, the servers that somebody waits for, and those that
ended though nobody asked for it.
"""

from __future__ import annotations

from functools import partial

import structlog

from actions.action import Action, Answer, Scope, SystemRequest
from actions.due_work import due_now, run_steps
from actions.instances import aftermath
from actions.instances.arriving import look
from actions.instances.warming import is_arriving
from actions.scheduling.preparing import advance
from services import clock
from services.aws import AWS_FAILURES
from services.instances import Instance
from services.platform import Platform
from services.sessions import NOT_BEGUN, OPEN

_log = structlog.get_logger()
_INTEREST_MINUTES = 5


class PrepareSessions(SystemRequest):
    """Nothing but the schedule's own user."""


def prepare_sessions(request: PrepareSessions, platform: Platform) -> Answer:
    """Take every due session a step further, side by side; one failing session does not stop the others.

    What is coming up is looked at first, so that a session finds it as it is.
    """
    now = clock.now()
    due = due_now(platform.instances.due_ids(now), platform.instances.find)
    arriving = [instance for instance in due if is_arriving(instance)]
    looks = run_steps(
        [partial(_look, platform, instance) for instance in arriving],
        [{"instanceId": instance["instanceId"]} for instance in arriving],
    )
    ended = aftermath.steps(platform)
    follows = run_steps(ended, [{"after": "an end"}] * len(ended))
    sessions = due_now(platform.sessions.due(now), platform.sessions.find)
    over = {s["userId"] for s in sessions if s["status"] in OPEN and s["endTime"] <= now}
    _have_panels_updated(platform, sorted(over))
    prepared = [session for session in sessions if session["status"] in NOT_BEGUN]
    outcome = run_steps(
        [partial(advance, platform, session) for session in sessions],
        [{"sessionId": session["sessionId"]} for session in sessions],
    )
    return {
        "success": True,
        "sessionsPrepared": len(prepared),
        "instancesStarted": outcome.done + follows.done,
        "failures": looks.failures + follows.failures + outcome.failures,
        "message": "Session preparation completed",
    }


def _have_panels_updated(platform: Platform, over: list[str]) -> None:
    """Go on with the panels that are behind, by an invocation of its own: nothing here waits for Discord.

    And with those of members whose sessions are over, which is no change of anything but the time. Each five
    minutes it is also asked there who is interested in sessions.
    """
    if not platform.settings.discord_application_id:
        return
    behind = platform.registry.panels_behind()
    asks_interest = clock.now() // 60 % _INTEREST_MINUTES == 0
    if asks_interest or over or behind["users"] or behind["gone"]:
        wanted = {"users": over, "asksInterest": asks_interest}
        later = {"action": "update-panels", "userId": "system", **wanted}
        try:
            platform.self_invocation.invoke_later(later)
        except AWS_FAILURES:
            _log.warning("panels are left to the next minute", exc_info=True)


def _look(platform: Platform, instance: Instance) -> bool:
    look(platform, instance)
    return False


ACTION = Action(PrepareSessions, prepare_sessions, Scope.SYSTEM)
