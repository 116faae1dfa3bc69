"""What follows from a task's state: ECS's event and the tick both come here.

Events arrive out of order, twice or not at all. What counts is whether the run they speak of is still
the instance's run; a task whose run is closed is a stray (strays.py).
"""

from __future__ import annotations

from contextlib import suppress
from typing import cast

import structlog

from actions.billing.budget import warn_if_near
from actions.instances import file_work
from actions.instances.aftermath import follow_up
from actions.instances.causes import UNCLEAN, why_it_ended
from actions.instances.closing import close_run
from actions.instances.ending import MISSING
from actions.instances.file_outcome import pause_before
from actions.instances.idling import LOOK_AGAIN_SECONDS
from actions.instances.locking import Lock, lock_run
from actions.instances.stop import decide_stop
from actions.instances.strays import settle_stray
from actions.instances.teardown import tear_down
from actions.instances.warming import ARRIVING_SECONDS, is_arriving, is_still_up, warm_up
from actions.notices import tell
from services import clock
from services.dynamodb import Attr, ConditionFailed
from services.ecs import Task
from services.instances import Farewell, Instance, InstanceStatus
from services.platform import Platform
from services.runs import FILE_KINDS, EndCause

_log = structlog.get_logger()
PURGE_AGAIN_SECONDS = 3600  # a purge that failed is not run again at once, since each try costs


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
    _alive(platform, instance, task)
    return False


def _alive(platform: Platform, instance: Instance, task: Task) -> None:
    if "missedAt" in instance:
        same_run = Attr("runId").eq(instance["runId"])
        shown = platform.instances.change(instance, same_run, {}, MISSING)
        with suppress(ConditionFailed):  # it is over by now
            instance = cast("Instance", platform.instances.apply_update(shown))
    if instance.get("runKind") in FILE_KINDS:
        file_work.note_up(platform, instance, task)
    elif task.status == "RUNNING" and task.desired_status == "RUNNING":
        if instance["status"] == InstanceStatus.STARTING:
            warm_up(platform, instance, task)
        elif instance["status"] == InstanceStatus.RUNNING:
            _still_up(platform, instance)


def _still_up(platform: Platform, instance: Instance) -> None:
    now = clock.now()
    pause = ARRIVING_SECONDS if is_arriving(instance) else LOOK_AGAIN_SECONDS
    seen = {"seenAt": now, "dueAt": now + pause}
    change = platform.instances.change(instance, is_still_up(instance), seen)
    with suppress(ConditionFailed):  # it is being stopped, and due for that
        platform.instances.apply_update(change)


def _over(platform: Platform, instance: Instance, task: Task) -> bool:
    """The task has stopped: no route, the bill, the licence, and at rest."""
    lock = lock_run(platform, instance, Attr("runId").exists())
    if lock is None:
        return False
    with lock:
        is_at_rest_or_gone = _close(lock, task)
    if lock.instance.get("failedRun") == instance["runId"]:
        follow_up(platform, instance["runId"])
    if is_at_rest_or_gone:
        file_work.carry_on_now(platform, lock.instance)
    return is_at_rest_or_gone


def _close(lock: Lock, task: Task) -> bool:
    platform, instance = lock.platform, lock.instance
    was_purge = instance.get("runKind") == "purge"
    unclean = instance.get("clean") is False
    if instance.get("routing"):
        platform.elb.unroute(instance["instanceId"])
    close_run(lock, task)
    warn_if_near(platform, instance["userId"])
    if unclean:
        tell(platform, "unclean-stop", instance, f"Your server was stopped. {UNCLEAN}")
    if lock.instance["status"] != InstanceStatus.DESTROYING:
        return True
    if lock.instance.get("farewell") == Farewell.WANTED and (
        tries := lock.instance.get("farewellTries")
    ):
        lock.pause(pause_before(tries))
        return False
    if was_purge and not lock.instance["purged"]:
        _log.error("files could not be erased", details={"instanceId": instance["instanceId"]})
        lock.pause(PURGE_AGAIN_SECONDS)
        return False
    return tear_down(lock)
