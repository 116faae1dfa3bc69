"""Stopping what nobody uses: a look at a running server, a notice, the stop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from actions.instances.ending import look_within
from actions.instances.idling import (
    NOTICE_SECONDS,
    Stop,
    counts_requests,
    idle_since,
    is_idle,
    is_near,
    is_time,
    last_use,
    next_look,
    planned_stop,
    players,
)
from actions.instances.stop import decide_stop
from actions.instances.versions import build_of, image_tag, is_way_down, pinned
from actions.instances.warming import ARRIVING_SECONDS, is_arriving, is_still_up
from actions.licenses.reservations import booking_in_play
from actions.notices import tell
from services import clock, ids
from services.aws import AWS_FAILURES
from services.dynamodb import Attr
from services.instances import Running
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
    probe = platform.foundry.probe(instance["host"], instance["runId"])
    idle, build = is_idle(probe), build_of(probe)
    since = idle_since(instance, idle, now)
    maintenance_at = maintenance["stopsAt"] if maintenance else None
    session = booking_in_play(instance, now)
    stop = planned_stop(instance, session, since, platform.settings, maintenance_at)
    is_decisive = stop.is_for_idleness and is_near(stop, now)
    if since and is_decisive and counts_requests(probe, instance.get("phase")):
        since, is_sure = _by_requests(platform, instance, since, now)
        proven = since if is_sure else None
        stop = planned_stop(instance, session, proven, platform.settings, maintenance_at)
    near = is_near(stop, now)
    # A notice of a stop that was then postponed counts no more.
    told = instance.get("noticedAt") if near else None
    if is_time(stop, told, now):
        return _stop(platform, instance, stop)
    notice_id = (instance.get("noticeId") or _claim_notice(platform, instance)) if near else None
    if notice_id and told is None:
        facts = {"stopsAt": stop.at, "why": stop.why}
        warning = _warning(stop, now)
        is_told = tell(platform, "about-to-stop", instance, warning, notice_id=notice_id, **facts)
        told = now if is_told else None
    found = {
        "idleSince": since,
        "players": players(probe),
        "idleProvenAt": now if idle else instance.get("idleProvenAt"),
        "noticeId": notice_id,
        "noticedAt": told,
    }
    due_at = next_look(stop, told, now)
    if is_arriving(instance):
        due_at = min(due_at, now + ARRIVING_SECONDS)
    due_at = now + look_within(instance, due_at - now)
    updates = {"dueAt": due_at, **_build_seen(instance, build)}
    _note(platform, instance, updates, found)
    details = {"idle": idle, "idleSince": since, "stopsAt": stop.at, "why": stop.why}
    _log.info("a server goes on", details=details)
    return False


def _by_requests(platform: Platform, instance: Running, since: int, now: int) -> tuple[int, bool]:
    """Since when nobody has used a server on which nobody plays `since` then, and whether that is sure.

    It is not where CloudWatch does not answer, nor shortly after a use, since what followed may not be counted yet.
    Then the server is not stopped as idle, and goes on until its time is up at the latest.
    """
    try:
        counts = platform.request_counts.per_minute(instance["instanceId"], since, now)
    except AWS_FAILURES:
        _log.warning("requests could not be counted", exc_info=True)
        return since, False
    used = last_use(counts)
    return (since, True) if used is None else (max(since, used), now - used >= NOTICE_SECONDS)


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


def _claim_notice(platform: Platform, instance: Running) -> str:
    """An id for the notice of the stop, noted before it is told: whoever finds it sends that same notice.

    Raises ConditionFailed if another tick was quicker.
    """
    notice_id = ids.new_id()
    is_new = is_still_up(instance) & Attr("noticeId").not_exists()
    change = platform.instances.change(instance, is_new, {"noticeId": notice_id})
    platform.instances.apply_update(change)
    return notice_id


def _build_seen(instance: Running, build: str | None) -> dict[str, str]:
    """What is started from now on: this very build, until update-version names another."""
    known = instance.get("foundryBuild", build)
    if build is None or known is None or is_way_down(build, known):
        return {}
    return {"foundryBuild": build, "imageTag": pinned(image_tag(instance), build)}


def _note(
    platform: Platform, instance: Running, updates: Mapping[str, Any], found: Mapping[str, Any]
) -> None:
    seen: dict[str, Any] = dict(updates)
    if "missingSince" not in instance:
        seen["seenAt"] = clock.now()
    seen |= {name: value for name, value in found.items() if value is not None}
    forgotten = [name for name, value in found.items() if value is None]
    change = platform.instances.change(instance, is_still_up(instance), seen, forgotten)
    platform.instances.apply_update(change)
