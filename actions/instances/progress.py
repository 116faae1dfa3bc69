"""How far a server is on its way up or down, as its member reads it."""

from __future__ import annotations

from actions.instances.causes import why_it_ended
from actions.instances.fetching import needs_fetching
from actions.instances.versions import image_tag
from services.ecs import Task
from services.instances import Instance, InstanceStatus, Phase
from services.platform import Platform


def progress(platform: Platform, instance: Instance) -> str:
    """What is being done for a server that is starting or stopping. One call to ECS."""
    task = _look(platform, instance)
    is_starting = instance["status"] == InstanceStatus.STARTING
    return _coming_up(instance, task) if is_starting else _going_down(task)


def phase_of(task: Task) -> Phase:
    """How far a task is that does not run yet."""
    if task.pulled_until:
        return Phase.FOUNDRY
    return Phase.IMAGE if task.pulled_from else Phase.MACHINE


def _look(platform: Platform, instance: Instance) -> Task | None:
    if "taskArn" not in instance:
        return None
    return platform.ecs.look([instance["taskArn"]]).get(instance["taskArn"])


def _coming_up(instance: Instance, task: Task | None) -> str:
    if task is None:
        return "Asking for a machine"
    if task.status == "STOPPED":
        return f"The start failed: {why_it_ended(task)}"
    if task.status == "RUNNING":
        return "Foundry is starting"
    phase = phase_of(task)
    if phase == Phase.MACHINE:
        return "Waiting for a machine"
    if phase == Phase.IMAGE:
        return "Pulling the image"
    if needs_fetching(instance):
        return f"Fetching Foundry {image_tag(instance)} if it is not there yet, and starting it"
    return "Starting Foundry"


def _going_down(task: Task | None) -> str:
    if task is None or task.desired_status == "RUNNING":
        return "Asking Foundry to save and close its world"
    if task.status == "STOPPED":
        return "Foundry has stopped; its route and licence are being given back"
    return "Foundry is shutting down"
