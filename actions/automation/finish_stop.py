"""finish-stop: carries out a stop that was decided. The platform invokes itself with it; the tick repeats it."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, SystemRequest, UserId
from actions.instances.closing import close_run
from actions.instances.locking import lock_run
from services.dynamodb import Attr
from services.ecs import Task
from services.instances import Instance, InstanceStatus
from services.platform import Platform

_STOPPED_SECONDS = 180  # stopTimeout is 120 s; by then ECS's event has come, or was missed


class FinishStop(SystemRequest):
    """Whose run to end. A run that is over is left alone."""

    owner_id: UserId
    run_id: str


def finish_stop(request: FinishStop, platform: Platform) -> Answer:
    """Ask Foundry to shut its world, at most 20 s, then ECS to stop the task. Raises Busy."""
    instance = platform.instances.find(request.owner_id)
    if (
        instance
        and instance.get("runId") == request.run_id
        and instance["status"] == InstanceStatus.STOPPING
    ):
        end_run(platform, instance)
    return {"success": True, "message": "Stop carried out"}


def end_run(platform: Platform, instance: Instance) -> None:
    """End the run of an instance that is stopping. Repeating it is harmless. Raises Busy."""
    lock = lock_run(platform, instance, Attr("status").eq(InstanceStatus.STOPPING))
    if lock is None:
        return
    with lock:
        locked = lock.instance
        task_arn = locked.get("taskArn") or platform.ecs.find(locked["runId"])
        if task_arn is None:  # stopped before it was ever launched
            close_run(lock, Task("", locked["runId"], "STOPPED", ""))
            return
        if locked.get("address"):
            admin_key = platform.secrets.read(locked["secretArn"])["adminKey"]
            platform.foundry.shut_world(locked["host"], admin_key)
        platform.ecs.stop(task_arn, "Stopped by the platform")
        lock.note({"taskArn": task_arn})
        lock.pause(_STOPPED_SECONDS)


ACTION = Action(FinishStop, finish_stop, Scope.SYSTEM)
