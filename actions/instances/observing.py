"""What follows from a task's state: ECS's event and the tick both come here.

Events arrive out of order, twice or not at all. What counts is whether the run they speak of is still
the instance's run; a task whose run is closed is a stray (strays.py).
"""

from __future__ import annotations

from contextlib import suppress

import structlog

from actions.billing.budget import warn_if_near
from actions.instances.causes import why_it_ended
from actions.instances.closing import UNCLEAN, close_run
from actions.instances.idling import LOOK_AGAIN_SECONDS
from actions.instances.locking import Lock, lock_run
from actions.instances.stop import decide_stop
from actions.instances.strays import settle_stray
from actions.instances.teardown import tear_down
from actions.instances.transitions import transition
from actions.notices import tell
from services import clock
from services.dynamodb import Attr, ConditionFailed
from services.ecs import Task
from services.errors import LoadBalancerFull
from services.instances import Instance, InstanceStatus
from services.locks import LOCK_FIELDS
from services.platform import Platform
from services.runs import EndCause

_log = structlog.get_logger()
PURGE_AGAIN_SECONDS = 3600  # a purge that failed is not run again at once, since each try costs
_NO_ADDRESS = "The server runs, but it was given no network address, so that nobody can reach it."
_NO_ROUTE = "All routes of the load balancer are in use; the server is reachable when one is free."


def observe(platform: Platform, task: Task) -> bool:
    """Let the instance follow its task; True if the instance is now at rest or gone.

    Raises Busy if somebody else works on the instance: then a repeat or the tick has to.
    """
    run = platform.runs.find(task.started_by) if task.started_by else None
    instance = platform.instances.find(run["userId"]) if run else None
    if run is None:
        _log.info("a task that is none of the platform's runs", details={"task": task.arn})
        return False
    if instance is None or instance.get("runId") != task.started_by:
        settle_stray(platform, run, task)
        return False
    if task.status == "STOPPED":
        return _over(platform, instance, task)
    if task.desired_status == "STOPPED" and instance["status"] == InstanceStatus.RUNNING:
        decide_stop(platform, instance, why_it_ended(task), ended_by=EndCause.CRASH)
    if task.status == "RUNNING" and task.desired_status == "RUNNING":
        if instance["status"] == InstanceStatus.STARTING:
            _up(platform, instance, task)
        elif instance["status"] == InstanceStatus.RUNNING:
            _still_up(platform, instance)
    return False


def _up(platform: Platform, instance: Instance, task: Task) -> None:
    """The task runs: route to it."""
    # `routing` is noted before anything is made, so that the end of the run knows there may be a route.
    lock = lock_run(
        platform,
        instance,
        Attr("status").eq(InstanceStatus.STARTING),
        routing=task.address is not None,
        taskArn=task.arn,
    )
    if lock is None:
        return
    with lock:
        reason = "" if task.address else _NO_ADDRESS
        if task.address:
            try:
                platform.elb.route(instance["instanceId"], instance["host"], task.address)
            except LoadBalancerFull:
                lock.note({"reason": _NO_ROUTE})
                raise
        _note_running(lock, task, reason)


def _note_running(lock: Lock, task: Task, reason: str) -> None:
    platform, instance, now = lock.platform, lock.instance, clock.now()
    up_since = task.pulled_from or task.started_at or now
    values: dict[str, object] = {
        "upSince": up_since,
        "seenAt": now,
        "due": "instance",
        **({"address": task.address} if task.address else {}),
        **({"reason": reason} if reason else {}),
    }
    # A stop may have come while the route was made: it keeps its status and is due at once.
    found = platform.instances.find(instance["userId"]) or instance
    status = found["status"]
    if status == InstanceStatus.STARTING:
        status = InstanceStatus.RUNNING
        values |= {"statusSince": task.started_at or now, "dueAt": now + LOOK_AGAIN_SECONDS}
    else:
        values["dueAt"] = now
    removed = (*LOCK_FIELDS, "formerRevision", *(() if reason else ("reason",)))
    lock.finish(
        *transition(platform, found, status, lock.held, values, removed),
        platform.runs.note_start(instance["runId"], up_since),
    )


def _still_up(platform: Platform, instance: Instance) -> None:
    now = clock.now()
    same = Attr("runId").eq(instance["runId"]) & Attr("status").eq(InstanceStatus.RUNNING)
    seen = {"seenAt": now, "dueAt": now + LOOK_AGAIN_SECONDS}
    change = platform.instances.change(instance, same, seen, ("missingSince",))
    with suppress(ConditionFailed):  # it is being stopped, and due for that
        platform.instances.apply_update(change)


def _over(platform: Platform, instance: Instance, task: Task) -> bool:
    """The task has stopped: no route, the bill, the licence, and at rest."""
    lock = lock_run(platform, instance, Attr("runId").exists())
    if lock is None:
        return False
    with lock:
        was_purge = lock.instance.get("runKind") == "purge"
        unclean = lock.instance.get("clean") is False
        if lock.instance.get("routing"):
            platform.elb.unroute(instance["instanceId"])
        close_run(lock, task)
        warn_if_near(platform, instance["userId"])
        if unclean:
            tell(platform, "unclean-stop", instance, f"Your server was stopped. {UNCLEAN}")
        if lock.instance["status"] != InstanceStatus.DESTROYING:
            return True
        if was_purge and not lock.instance["purged"]:
            _log.error("files could not be erased", details={"instanceId": instance["instanceId"]})
            lock.pause(PURGE_AGAIN_SECONDS)
            return False
        return tear_down(lock)
