"""finish-stop: carries out a stop that was decided. The platform invokes itself with it; the tick repeats it."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, SystemRequest, UserId
from actions.instances.ending import end_task
from actions.instances.locking import Lock, lock_run
from services.dynamodb import Attr
from services.instances import Instance, InstanceStatus
from services.platform import Platform


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


def end_run(platform: Platform, instance: Instance) -> bool:
    """End the run of an instance that is stopping; True if it is over. Repeating it is harmless. Raises Busy."""
    lock = lock_run(platform, instance, Attr("status").eq(InstanceStatus.STOPPING))
    if lock is None:
        return False
    with lock:
        _shut_world(lock)
        return end_task(lock, "Stopped by the platform")


def _shut_world(lock: Lock) -> None:
    """Let Foundry close its world, and note whether it did, unless it was asked before or cannot be."""
    instance = lock.instance
    if "address" in instance and "clean" not in instance:
        admin_key = lock.platform.secrets.read(instance["secretArn"])["adminKey"]
        foundry, run_id = lock.platform.foundry, instance["runId"]
        lock.note({"clean": foundry.shut_world(instance["host"], run_id, admin_key)})


ACTION = Action(FinishStop, finish_stop, Scope.SYSTEM)
