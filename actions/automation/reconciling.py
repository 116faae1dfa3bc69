"""Carrying on with what was interrupted or whose event was missed: the tick's part of every transition."""

from __future__ import annotations

from typing import cast

from actions.automation.auto_stop import stop_if_due
from actions.automation.finish_stop import end_run
from actions.errors import StartDelayed
from actions.instances import file_work
from actions.instances.arriving import look
from actions.instances.ending import (
    CONSISTENCY_SECONDS,
    MISSED_AGAIN_SECONDS,
    MISSING,
    is_certainly_over,
    is_missing_for_long,
    missed,
)
from actions.instances.file_decisions import LIMIT_SECONDS
from actions.instances.launching import launch
from actions.instances.locking import lock_instance, lock_run
from actions.instances.observing import observe
from actions.instances.renewing import put_version_in
from actions.instances.stop import decide_stop
from actions.instances.teardown import tear_down
from actions.instances.transitions import mark_for_deletion
from actions.instances.warming import is_arriving
from services import clock
from services.dynamodb import Attr, absent
from services.ecs import Task
from services.errors import LoadBalancerFull
from services.instances import AT_REST, UP, Instance, InstanceStatus, Phase, is_running
from services.locks import is_locked
from services.platform import Platform
from services.registry import Maintenance
from services.runs import FILE_KINDS, EndCause

# A task that does not run by then, or cannot be routed to, never will; the image takes 1 to 3 minutes.
ARRIVAL_LIMIT_SECONDS = 900
PURGE_LIMIT_SECONDS = 3600
_GONE = "AWS shows nothing of its task any more."


def reconcile(
    platform: Platform,
    instance: Instance,
    tasks: dict[str, Task],
    asked_at: int,
    maintenance: Maintenance | None = None,
) -> bool:
    """Bring a due instance a step further; True if that stopped it, left it at rest or gone.

    `tasks` is what ECS, `asked_at` that moment, says of the tasks that it still knows. Raises Busy if somebody else
    was quicker.
    """
    if is_locked(instance, clock.now()):
        return False  # its owner finishes it, or the lock expires and a later tick carries on
    task = tasks.get(instance.get("taskArn", ""))
    instance = _with_missing_noted(platform, instance, task, asked_at)
    if task and task.status == "STOPPED":
        return observe(platform, task)
    if is_certainly_over(instance):
        return observe(platform, _forgotten(instance))
    if is_missing_for_long(instance) and instance["status"] in UP:
        return decide_stop(platform, instance, _GONE, ended_by=EndCause.CRASH)
    return _next_step(platform, instance, task, maintenance)


def _next_step(
    platform: Platform, instance: Instance, task: Task | None, maintenance: Maintenance | None
) -> bool:
    status = instance["status"]
    if is_running(instance) and task and task.desired_status == "STOPPED":
        return observe(platform, task)
    if is_running(instance):
        # Who has signed goes on to the setup screen, where requests count as work.
        if is_arriving(instance) or instance.get("phase") == Phase.SIGNATURE:
            instance = look(platform, instance)
        return is_running(instance) and stop_if_due(platform, instance, maintenance)
    if status == InstanceStatus.STARTING:
        return _bring_up(platform, instance, task)
    if status in AT_REST:
        return _at_rest(platform, instance, task)
    if status == InstanceStatus.STOPPING:
        return end_run(platform, instance)
    return _take_down(platform, instance, task)


def _bring_up(platform: Platform, instance: Instance, task: Task | None) -> bool:
    """Launch what was decided and not launched, notice what has come up, give up what does not come up."""
    limit = ARRIVAL_LIMIT_SECONDS
    if task and task.status == "RUNNING" and task.desired_status == "RUNNING":
        try:
            observe(platform, task)
        except LoadBalancerFull:
            if _age(instance, task) <= limit:
                raise
    elif "taskArn" not in instance:
        if _launch_again(platform, instance):
            return False
    elif task is None:
        return False  # it is judged when ECS has shown nothing of it for long
    else:
        limit += CONSISTENCY_SECONDS  # by now it may be up: what ECS shows may be that old
    return _give_up(platform, instance) if _age(instance, task) > limit else False


def _give_up(platform: Platform, instance: Instance) -> bool:
    reason = "It did not come up in time."
    is_starting = Attr("status").eq(InstanceStatus.STARTING)  # and has not come up at this moment
    return decide_stop(platform, instance, reason, is_starting, ended_by=EndCause.FAILURE)


def _with_missing_noted(
    platform: Platform, instance: Instance, task: Task | None, asked_at: int
) -> Instance:
    """The instance, which has noted since when ECS shows nothing of its task, or that it shows it again."""
    is_missing = "taskArn" in instance and task is None
    if not is_missing and "missingSince" not in instance:
        return instance
    values = {}
    if is_missing:
        values = {**missed(instance, asked_at), "dueAt": clock.now() + MISSED_AGAIN_SECONDS}
    # Nobody has seen it since, or missed it.
    known = instance.get("missedAt")
    as_read = Attr("missedAt").eq(known) if known else absent("missedAt")
    as_read &= Attr("runId").eq(instance["runId"])
    change = platform.instances.change(instance, as_read, values, () if is_missing else MISSING)
    return cast("Instance", platform.instances.apply_update(change))


def _forgotten(instance: Instance) -> Task:
    return Task(instance["taskArn"], instance["runId"], "STOPPED", "STOPPED")


def _age(instance: Instance, task: Task | None) -> int:
    """For how long the task has been running without a way to it, or else been coming up.

    Not since the start was decided: a task that was launched late has its time, too.
    """
    since = (task.started_at or task.created_at) if task else None
    return clock.now() - (since or instance["statusSince"])


def _take_down(platform: Platform, instance: Instance, task: Task | None) -> bool:
    """Undo a half-made instance that nobody completed, or carry on destroying one."""
    limit = LIMIT_SECONDS if instance.get("runKind") in FILE_KINDS else PURGE_LIMIT_SECONDS
    if task and task.created_at and clock.now() - task.created_at > limit:
        platform.ecs.stop(task.arn, "It took too long")  # a stopped one is run again
    with mark_for_deletion(platform, instance) as lock:
        return tear_down(lock)


def _at_rest(platform: Platform, instance: Instance, task: Task | None) -> bool:
    """Finish what was interrupted, or go on with what is done with its files; True if that started it."""
    if "renews" in instance:
        return _finish_update(platform, instance)
    if "runId" not in instance:
        return file_work.carry_on(platform, instance["userId"])
    if "taskArn" not in instance:
        _launch_again(platform, instance)
        return False
    is_missing = is_missing_for_long(instance)
    file_work.follow(platform, instance, task, is_missing=is_missing)
    return False


def _finish_update(platform: Platform, instance: Instance) -> bool:
    same = Attr("status").eq(instance["status"]) & Attr("renews").exists()
    with lock_instance(platform, instance, same) as lock:
        put_version_in(lock)
    return False


def _launch_again(platform: Platform, instance: Instance) -> bool:
    """Launch what was decided and not launched; False if that has to wait. What is found is looked at at once."""
    lock = lock_run(platform, instance, Attr("taskArn").not_exists())
    if lock is None:
        return True
    try:
        with lock:
            found = launch(lock, is_retry=True)
    except StartDelayed:
        return False
    if found:
        observe(platform, found)
    return True
