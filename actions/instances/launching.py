"""From a run that was decided to the task itself."""

from __future__ import annotations

from actions.errors import NoCapacity
from actions.instances.closing import close_run
from actions.instances.locking import Lock
from actions.instances.renewing import renew_definition
from services import clock, metrics
from services.dynamodb import Attr
from services.ecs import Task
from services.errors import TaskRefused
from services.instances import LOCK_FIELDS

ARRIVAL_SECONDS = 120  # how long a new task may take before the tick has a look


def launch(lock: Lock, *, is_retry: bool = False) -> None:
    """Bring the decided run's task into being; the lock is given back with its ARN noted.

    `is_retry` when an earlier attempt may have got that far. Raises NoCapacity if ECS refuses; the
    instance is then as if it had not been started.
    """
    platform, run_id = lock.platform, lock.instance["runId"]
    try:
        task_arn = (platform.ecs.find(run_id) if is_retry else None) or _run_task(lock)
    except TaskRefused as refused:
        close_run(lock, Task("", run_id, "STOPPED", ""), str(refused)[:200])
        raise NoCapacity(str(refused)) from refused
    same_run = lock.held & Attr("runId").eq(run_id)
    updates = {"taskArn": task_arn, "due": "instance", "dueAt": clock.now() + ARRIVAL_SECONDS}
    lock.finish(platform.instances.change(lock.instance, same_run, updates, LOCK_FIELDS))
    metrics.resource("ecs", 1)


def _run_task(lock: Lock) -> str:
    platform, instance = lock.platform, lock.instance
    if instance.get("runKind") == "purge":
        overrides = {"purge": {"INSTANCE_ID": instance["instanceId"]}}
        return platform.ecs.run(
            instance["runId"], platform.settings.purge_task_definition, overrides
        )
    return platform.ecs.run(instance["runId"], _definition_with_license(lock))


def _definition_with_license(lock: Lock) -> str:
    """The task definition that names the run's licence; secrets cannot be overridden when a task is run."""
    license_id = lock.instance["runLicense"]
    if lock.instance.get("taskDefinitionLicense") == license_id:
        return lock.instance["taskDefinitionArn"]
    found = lock.platform.licenses.find(license_id)
    if found is None:
        raise TaskRefused("the licence was taken out of the pool")
    return renew_definition(lock, license_id, found["secretArn"])
