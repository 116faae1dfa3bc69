"""admin-system-maintenance: nothing starts, and after a notice nothing runs, until it is over."""

from __future__ import annotations

from functools import partial
from typing import Any, cast

from actions.action import Action, AdminOrder, Answer, Scope
from actions.command import Command
from actions.instances.idling import NOTICE_SECONDS
from actions.notices import announce
from actions.scheduling.times import Moment
from services import clock
from services.concurrency import concurrently
from services.dynamodb import ConditionFailed, transact
from services.platform import Platform
from services.registry import Maintenance
from services.sessions import NOT_BEGUN, Session

_FORESEEABLE_SECONDS = 86400  # whose sessions are told if nobody knows how long it takes


class AdminSystemMaintenance(AdminOrder):
    """Whether to maintain, why, and until when (Unix seconds) as far as is known."""

    enabled: bool
    until: Moment | None = None


def admin_system_maintenance(request: AdminSystemMaintenance, platform: Platform) -> Answer:
    """Begin or end maintenance. Repeating it says anew why and until when, and tells members again.

    Servers that run are told by the next tick and stopped ten minutes later. A session that should begin
    meanwhile is tried until ten minutes after its beginning, as ever, then cancelled with a notice.
    """
    if not request.enabled:
        return _end(platform)
    maintenance = _begin(request, platform)
    told = _tell_sessions(platform, maintenance)
    return {
        "success": True,
        "maintenance": True,
        "since": maintenance["since"],
        "serversStopAt": maintenance["stopsAt"],
        "sessionsTold": told,
        "message": "No server starts any more; those that run are stopped after a notice",
    }


def _begin(request: AdminSystemMaintenance, platform: Platform) -> Maintenance:
    now = clock.now()
    wanted: dict[str, Any] = {
        "since": now,
        "stopsAt": now + NOTICE_SECONDS,
        "by": request.user_id,
        "reason": request.reason,
        "until": request.until,
    }
    maintenance = cast("Maintenance", {n: v for n, v in wanted.items() if v is not None})
    try:
        transact(platform.registry.begin_maintenance(maintenance))
    except ConditionFailed:
        transact(platform.registry.amend_maintenance(maintenance))
        return platform.registry.maintenance() or maintenance
    return maintenance


def _end(platform: Platform) -> Answer:
    try:
        transact(platform.registry.end_maintenance())
    except ConditionFailed:
        message = "There was no maintenance"
    else:
        message = "Servers can be started again"
    return {"success": True, "maintenance": False, "message": message}


def _tell_sessions(platform: Platform, maintenance: Maintenance) -> int:
    """Tell whose session falls into the maintenance; returns how many sessions that are."""
    horizon = maintenance.get("until") or clock.now() + _FORESEEABLE_SECONDS
    ids = list(platform.sessions.due(horizon))
    found = concurrently(*(partial(platform.sessions.find, session_id) for session_id in ids))
    concerned = [s for s in found if s and s["status"] in NOT_BEGUN and s["startTime"] <= horizon]
    concurrently(*(partial(_tell, platform, session, maintenance) for session in concerned))
    return len(concerned)


def _tell(platform: Platform, session: Session, maintenance: Maintenance) -> None:
    why = f" ({maintenance['reason']})" if "reason" in maintenance else ""
    message = (
        f"The platform is being maintained{why}: your session cannot begin before that is over."
    )
    facts: dict[str, Any] = {"sessionId": session["sessionId"], "until": maintenance.get("until")}
    announce(platform, "maintenance", session["userId"], message, facts=facts)


ACTION = Action(
    AdminSystemMaintenance,
    admin_system_maintenance,
    Scope.ADMIN,
    Command(
        "Begin or end maintenance: nothing starts meanwhile, and what runs is stopped",
        options={
            "enabled": "Begin it, or end it",
            "until": "Until when, such as 2026-12-04 20:00",
            "reason": "Why; the audit keeps it",
        },
    ),
)
