"""Stopping what nobody uses: a look at a running server, a notice, the stop."""

from __future__ import annotations

from typing import Any

import structlog

from actions.automation.idling import (
    NOTICE_SECONDS,
    Stop,
    idle_since,
    is_idle,
    is_near,
    is_time,
    next_look,
    planned_stop,
)
from actions.instances.stop import decide_stop
from actions.licenses.reservations import booking_in_play
from actions.notices import tell
from services import clock
from services.dynamodb import Attr
from services.instances import InstanceStatus, Running
from services.platform import Platform
from services.registry import Maintenance
from services.runs import EndCause

_log = structlog.get_logger()


def stop_if_due(
    platform: Platform, instance: Running, maintenance: Maintenance | None = None
) -> bool:
    """Look at a running server and stop it if its time has come and its member was told; True if stopped.

    Raises ConditionFailed if it is no longer running.
    """
    now = clock.now()
    idle = is_idle(platform.foundry.probe(instance["host"])) if "address" in instance else None
    since = idle_since(instance, idle, now)
    maintenance_at = maintenance["stopsAt"] if maintenance else None
    session = booking_in_play(instance, now)
    stop = planned_stop(instance, session, since, platform.settings, maintenance_at)
    near = is_near(stop, now)
    # A notice of a stop that was then postponed counts no more.
    told = instance.get("noticedAt") if near else None
    if is_time(stop, told, now):
        return _stop(platform, instance, stop)
    if near and told is None:
        told, facts = now, {"stopsAt": stop.at, "why": stop.why}
        tell(platform, "about-to-stop", instance, _warning(stop, now), **facts)
    _note(platform, instance, since, told, next_look(stop, told, now))
    details = {"idle": idle, "idleSince": since, "stopsAt": stop.at, "why": stop.why}
    _log.info("a server goes on", details=details)
    return False


def _stop(platform: Platform, instance: Running, stop: Stop) -> bool:
    kept = Attr("keepUntil")  # unless the member has asked to keep it just now
    as_seen = kept.eq(instance["keepUntil"]) if "keepUntil" in instance else kept.not_exists()
    reason = f"It was stopped because {stop.why}."
    stopped = decide_stop(platform, instance, reason, as_seen, ended_by=stop.cause)
    if stopped:
        message = f"Your server is being stopped because {stop.why}."
        tell(platform, "stopped", instance, message, why=stop.why)
    return stopped


def _warning(stop: Stop, now: int) -> str:
    minutes = max(stop.at - now, NOTICE_SECONDS) // 60
    postponable = "" if stop.cause == EndCause.MAINTENANCE else "; keep-alive postpones that"
    return f"Your server stops in {minutes} minutes because {stop.why}{postponable}."


def _note(
    platform: Platform, instance: Running, since: int | None, told: int | None, due_at: int
) -> None:
    now = clock.now()
    seen: dict[str, Any] = {"seenAt": now, "dueAt": due_at}
    found = {"idleSince": since, "noticedAt": told}
    seen |= {name: value for name, value in found.items() if value is not None}
    forgotten = [name for name, value in found.items() if value is None]
    running = Attr("runId").eq(instance["runId"]) & Attr("status").eq(InstanceStatus.RUNNING)
    platform.instances.apply_update(platform.instances.change(instance, running, seen, forgotten))
