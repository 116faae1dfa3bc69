"""Asking ECS for a run's task. The run's id is the client token: asked again, ECS names the task that there is."""

from __future__ import annotations

from actions.instances.definition import CONTAINER, PREPARE, PREPARE_MEMORY
from actions.instances.fetching import fetch_release
from actions.instances.file_definition import CONTAINER as FILES_CONTAINER
from actions.instances.file_definition import family as files_family
from actions.instances.file_renewing import files_definition
from actions.instances.locking import Lock
from actions.instances.renewing import renew_definition, retire_former
from actions.instances.versions import image_tag
from services.ecs import Resized, Task
from services.errors import TaskRefused
from services.fargate import Size
from services.runs import FILE_KINDS


def find_task(lock: Lock) -> Task | None:
    """The run's task if ECS shows one; it may lag by minutes."""
    platform, instance = lock.platform, lock.instance
    family = platform.ecs.family(instance["instanceId"])
    if instance["runKind"] in FILE_KINDS:
        family = platform.ecs.family(files_family(instance["instanceId"]))
    if instance["runKind"] == "purge":
        family = platform.settings.purge_task_definition.split("/")[-1].split(":")[0]
    return platform.ecs.find(instance["runId"], family)


def ask_for_task(lock: Lock) -> str:
    """The ARN of the run's task, launched unless it was before. Raises TaskRefused, EcsBusy.

    Once there is a task, no former revision of its definition is left.
    """
    platform, instance = lock.platform, lock.instance
    if instance["runKind"] in FILE_KINDS:
        order = {FILES_CONTAINER: {"ORDER": instance["runOrder"]}}
        return platform.ecs.run(instance["runId"], files_definition(lock), order)
    if instance["runKind"] == "purge":
        overrides = {"purge": {"INSTANCE_ID": instance["instanceId"]}}
        return platform.ecs.run(
            instance["runId"], platform.settings.purge_task_definition, overrides
        )
    definition = _definition(lock)
    fetch_release(platform, instance)
    # As it was decided, however often it is asked: what is asked anew with the same token must be the same.
    wish = {PREPARE: {"WORLD": instance["runWorld"]}} if "runWorld" in instance else {}
    return platform.ecs.run(instance["runId"], definition, wish, size=_other_size(lock))


def _other_size(lock: Lock) -> Resized | None:
    """The run's size where it is not the definition's, which is the operator's."""
    settings = lock.platform.settings
    cpu, memory = lock.instance.get("runSize", (settings.task_cpu, settings.task_memory))
    if (cpu, memory) == (settings.task_cpu, settings.task_memory):
        return None
    return Resized(Size(cpu, memory), {CONTAINER: memory - PREPARE_MEMORY})


def _definition(lock: Lock) -> str:
    """The task definition that names the run's licence and build; neither can be overridden when a task is run."""
    license_id = lock.instance["runLicense"]
    named = lock.instance.get("taskDefinitionLicense"), lock.instance.get("taskDefinitionTag")
    if named == (license_id, image_tag(lock.instance)):
        retire_former(lock)
        return lock.instance["taskDefinitionArn"]
    found = lock.platform.licenses.find(license_id)
    if found is None:
        raise TaskRefused(TaskRefused.Cause.NO_LICENSE)
    return renew_definition(lock, license_id, found["secretArn"])
