"""start-instance: a task for the member's server."""

from __future__ import annotations

from typing import TYPE_CHECKING

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import OF_CREW, Command
from actions.errors import Busy, Conflict, StartDelayed, WrongState
from actions.lookup import instance_of
from services.dynamodb import Attr
from services.instances import AT_REST, Instance, InstanceStatus
from services.platform import Platform

if TYPE_CHECKING:
    from actions.instances.locking import Lock

_WAY_OUT = {
    InstanceStatus.CREATING: "Wait until it has been made, or call create-instance again.",
    InstanceStatus.STARTING: "Wait until it is running.",
    InstanceStatus.STOPPING: "Wait until it has stopped, then start it.",
    InstanceStatus.DESTROYING: "Wait until it is gone, then make a new one.",
}


class StartInstance(UserRequest):
    """Whose instance to start."""


def start(request: StartInstance, platform: Platform) -> Answer:
    """Decide the start and ask ECS for the task; routing follows when the task runs.

    A save that the platform makes by itself is ended before; one that its member has asked for is waited for.
    Raises InstanceNotFound, WrongState, LicenseTaken, NoCapacity, Busy, BudgetSpent, UnderMaintenance, UsedUp,
    FilesBusy.
    """
    # Discord is answered that a start follows before anything of it is loaded.
    from actions.billing.budget import refuse_start_if_spent
    from actions.instances.file_work import carry_on_now
    from actions.instances.launching import launch
    from actions.instances.making_way import comes_after
    from actions.instances.starting import start_run

    instance = instance_of(platform, request.user_id)
    is_retry = instance["status"] not in AT_REST
    message = "Instance starting..."
    try:
        if is_retry:
            lock = _interrupted(platform, instance)
        else:
            refuse_start_if_spent(platform, instance)
            lock = start_run(platform, instance)
        if lock is None:
            raise _refusal(instance_of(platform, request.user_id))
        with lock:
            launch(lock, is_retry=is_retry)
    except StartDelayed as delayed:
        message = delayed.message
        carry_on_now(platform, instance_of(platform, request.user_id))
    except Busy as busy:
        if not comes_after(platform, instance_of(platform, request.user_id)):
            raise
        message = StartDelayed(busy.message).message
    return {
        "success": True,
        "instanceUrl": f"https://{instance['host']}",
        "status": InstanceStatus.STARTING,
        "message": message,
    }


def _interrupted(platform: Platform, instance: Instance) -> Lock | None:
    """The lock on an instance whose start was decided but has no task; else None."""
    from actions.instances.locking import lock_run

    if instance["status"] != InstanceStatus.STARTING or "taskArn" in instance:
        return None
    no_task = Attr("status").eq(InstanceStatus.STARTING) & Attr("taskArn").not_exists()
    try:
        return lock_run(platform, instance, no_task)
    except Busy:
        return None  # that start is still under way: to this caller the instance is starting


def _refusal(instance: Instance) -> Conflict:
    status = instance["status"]
    if status in AT_REST:
        return Busy(status)
    return WrongState(
        "started", status, _WAY_OUT.get(status, f"Play at https://{instance['host']}.")
    )


ACTION = Action(
    StartInstance,
    start,
    Scope.USER,
    Command("Start a server", options=OF_CREW),
)
