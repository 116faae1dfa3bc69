"""Runs: from the decision to start a task to the task itself.

A run's id is stored before ECS is asked, and is the task's client token and `startedBy`. Whoever finds a
run without a task can therefore look for one and, if there is none, ask for it again.
"""

from __future__ import annotations

from typing import Any, cast

from actions.billing.pricing import hourly_rate
from actions.errors import NoCapacity, UnderMaintenance
from actions.instances.closing import close_run
from actions.instances.definition import definition
from actions.instances.transitions import transition
from actions.licenses.choosing import refusal, suitable
from actions.licenses.rules import is_leased
from services import clock, ids, metrics
from services.dynamodb import Attr, ConditionFailed, transact
from services.ecs import Task
from services.errors import TaskRefused
from services.instances import AT_REST, WORK_SECONDS, Instance, InstanceStatus
from services.platform import Platform
from services.runs import Kind, Run

PURGE_SIZE = (256, 512)  # CPU units and MiB, as template.yaml defines the purge task
ARRIVAL_SECONDS = 120  # how long a new task may take before the tick has a look


def start_run(
    platform: Platform, instance: Instance, worker: str, only: str | None = None
) -> Instance | None:
    """Decide that the instance starts: its status, its licence and its run in one transaction.

    `only` names the one licence that will do. None if the instance is no longer at rest. Raises
    UnderMaintenance, LicenseTaken when no licence is free.
    """
    if maintenance := platform.registry.maintenance():
        raise UnderMaintenance(maintenance.get("until"))
    # What is at rest is due only while another version is being put in.
    at_rest = Attr("due").not_exists()
    for license in suitable(platform, instance, only):
        now, license_id = clock.now(), license["licenseId"]
        begun = _begun(instance, worker, "play", now) | {
            "statusSince": now,
            "lastStarted": now,
            "runLicense": license_id,
        }
        operations = [
            *transition(
                platform, instance, InstanceStatus.STARTING, at_rest, begun, ("reason", "purged")
            ),
            platform.runs.begin(_run(platform, instance, begun, license_id)),
            platform.licenses.hold(license, begun["runId"], instance["userId"]),
        ]
        if is_leased(license, now):  # by this user, or by one who has to give way to a session
            operations.append(platform.licenses.forget_lease(license["holderUserId"]))
        try:
            transact(*operations)
        except ConditionFailed as refused:
            if 0 in refused.failed:
                return None
            continue  # somebody was quicker with this licence
        return cast("Instance", {**instance, **begun, "status": InstanceStatus.STARTING})
    if not _rests_still(platform, instance):
        return None  # what took the licence is a start of this very instance
    raise refusal(platform, instance)


def _rests_still(platform: Platform, instance: Instance) -> bool:
    found = platform.instances.find(instance["userId"])
    if found is None or found["instanceId"] != instance["instanceId"]:
        return False
    return found["status"] in AT_REST


def start_purge(platform: Platform, instance: Instance, worker: str) -> Instance:
    """Decide that a purge task erases the instance's files; raises ConditionFailed if work is not ours."""
    begun = _begun(instance, worker, "purge", clock.now())
    idle = Attr("worker").eq(worker) & Attr("runId").not_exists()
    transact(
        platform.instances.change(instance, idle, begun),
        platform.runs.begin(_run(platform, instance, begun)),
    )
    return cast("Instance", {**instance, **begun})


def launch(platform: Platform, instance: Instance, worker: str, *, again: bool = False) -> None:
    """Bring the decided run's task into being and give up the work.

    `again` when an earlier attempt may have got that far. Raises NoCapacity if ECS refuses; the
    instance is then as if it had not been started.
    """
    run_id = instance["runId"]
    try:
        task_arn = (platform.ecs.find(run_id) if again else None) or _run_task(
            platform, instance, worker
        )
    except TaskRefused as refused:
        close_run(platform, instance, worker, Task("", run_id, "STOPPED", ""), str(refused)[:200])
        raise NoCapacity(str(refused)) from refused
    mine = Attr("worker").eq(worker) & Attr("runId").eq(run_id)
    seen = {"taskArn": task_arn, "due": "instance", "dueAt": clock.now() + ARRIVAL_SECONDS}
    transact(platform.instances.change(instance, mine, seen, ("worker", "workerUntil")))
    metrics.resource("ecs", 1)


def _run_task(platform: Platform, instance: Instance, worker: str) -> str:
    settings = platform.settings
    if instance.get("runKind") == "purge":
        told = {"purge": {"INSTANCE_ID": instance["instanceId"]}}
        return platform.ecs.run(instance["runId"], settings.purge_task_definition, told)
    return platform.ecs.run(instance["runId"], _definition_with_license(platform, instance, worker))


def _definition_with_license(platform: Platform, instance: Instance, worker: str) -> str:
    """The task definition that names the run's licence; secrets cannot be overridden when a task is run."""
    license_id = instance["runLicense"]
    if instance.get("taskDefinitionLicense") == license_id:
        return instance["taskDefinitionArn"]
    found = platform.licenses.find(license_id)
    if found is None:
        raise TaskRefused("the licence was taken out of the pool")
    return renew_definition(platform, instance, worker, license_id, found["secretArn"])


def renew_definition(
    platform: Platform, instance: Instance, worker: str, license_id: str, license_secret: str | None
) -> str:
    """Register a new revision in place of all others and note it; returns its ARN."""
    arn = platform.ecs.register(definition(instance, platform.settings, license_secret))
    platform.ecs.retire_definitions(instance["instanceId"], keep=arn)
    made = {"taskDefinitionArn": arn, "taskDefinitionLicense": license_id}
    platform.instances.record(instance, worker, made)
    return arn


def _begun(instance: Instance, worker: str, kind: Kind, now: int) -> dict[str, Any]:
    return {
        "runId": ids.new_run_id(),
        "runKind": kind,
        "worker": worker,
        "workerUntil": now + WORK_SECONDS,
        "due": "instance",
        "dueAt": now + WORK_SECONDS,
    }


def _run(
    platform: Platform, instance: Instance, begun: dict[str, Any], license_id: str | None = None
) -> Run:
    settings = platform.settings
    size = PURGE_SIZE if begun["runKind"] == "purge" else (settings.task_cpu, settings.task_memory)
    run: Run = {
        "runId": begun["runId"],
        "userId": instance["userId"],
        "instanceId": instance["instanceId"],
        "kind": begun["runKind"],
        "cpu": size[0],
        "memory": size[1],
        "rate": hourly_rate(settings, *size),
        "requestedAt": clock.now(),
    }
    if license_id:
        run["licenseId"] = license_id
    return run
