"""Carrying on with what was interrupted or whose event was missed: the tick's part of every transition."""

from __future__ import annotations

from actions.automation.auto_stop import stop_if_due
from actions.automation.finish_stop import end_run
from actions.instances.launching import launch
from actions.instances.locking import lock_instance, lock_run
from actions.instances.observing import observe
from actions.instances.renewing import put_version_in
from actions.instances.stop import decide_stop
from actions.instances.teardown import tear_down
from actions.instances.transitions import mark_for_deletion
from services import clock
from services.dynamodb import Attr
from services.ecs import Task
from services.instances import AT_REST, Instance, InstanceStatus, is_locked, is_running
from services.platform import Platform
from services.registry import Maintenance
from services.runs import EndCause

# A task that does not run by then, or cannot be routed to, never will; the image takes 1 to 3 minutes.
ARRIVAL_LIMIT_SECONDS = 900
PURGE_LIMIT_SECONDS = 3600


def reconcile(
    platform: Platform,
    instance: Instance,
    tasks: dict[str, Task],
    maintenance: Maintenance | None = None,
) -> bool:
    """Bring a due instance a step further; True if that stopped it, left it at rest or gone.

    `tasks` is what ECS says of the tasks that it still knows. Raises Busy if somebody else was quicker.
    """
    if is_locked(instance, clock.now()):
        return False  # its owner finishes it, or the lock expires and a later tick carries on
    task = _task_of(instance, tasks)
    if task and task.status == "STOPPED":
        return observe(platform, task)
    status = instance["status"]
    if status in (InstanceStatus.CREATING, InstanceStatus.DESTROYING):
        return _take_down(platform, instance, task)
    if is_running(instance):
        return stop_if_due(platform, instance, maintenance)
    if status == InstanceStatus.STARTING:
        return _bring_up(platform, instance, task)
    if status == InstanceStatus.STOPPING:
        end_run(platform, instance)
    elif status in AT_REST:
        _finish_update(platform, instance)
    return False


def _bring_up(platform: Platform, instance: Instance, task: Task | None) -> bool:
    """Launch what was decided and not launched, give up what does not come up, notice what has come up."""
    if task is None:
        _launch_again(platform, instance)
    elif _age(instance, task) > ARRIVAL_LIMIT_SECONDS:
        return decide_stop(
            platform, instance, "It did not come up in time.", ended_by=EndCause.FAILURE
        )
    else:
        observe(platform, task)
    return False


def _task_of(instance: Instance, tasks: dict[str, Task]) -> Task | None:
    """The run's task; as stopped if ECS has forgotten it, which it does an hour after the stop."""
    if "taskArn" not in instance:
        return None
    forgotten = Task(instance["taskArn"], instance["runId"], "STOPPED", "STOPPED")
    return tasks.get(instance["taskArn"], forgotten)


def _age(instance: Instance, task: Task) -> int:
    """For how long the task has been running without a way to it, or else been coming up.

    Not since the start was decided: a task that was launched late has its time, too.
    """
    return clock.now() - (task.started_at or task.created_at or instance["statusSince"])


def _take_down(platform: Platform, instance: Instance, task: Task | None) -> bool:
    """Undo a half-made instance that nobody completed, or carry on destroying one."""
    if task and task.created_at and clock.now() - task.created_at > PURGE_LIMIT_SECONDS:
        platform.ecs.stop(task.arn, "Purging took too long")  # a stopped one is run again
    with mark_for_deletion(platform, instance) as lock:
        return tear_down(lock)


def _finish_update(platform: Platform, instance: Instance) -> None:
    same = Attr("status").eq(instance["status"]) & Attr("due").exists()
    with lock_instance(platform, instance, same) as lock:
        put_version_in(lock)


def _launch_again(platform: Platform, instance: Instance) -> None:
    lock = lock_run(platform, instance, Attr("taskArn").not_exists())
    if lock is not None:
        with lock:
            launch(lock, is_retry=True)
