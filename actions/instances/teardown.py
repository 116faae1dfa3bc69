"""Undoing an instance, from whatever state it is in, until nothing is left."""

from __future__ import annotations

import structlog

from actions.concurrency import concurrently
from actions.errors import NoCapacity
from actions.instances.closing import close_run
from actions.instances.running import launch, start_purge
from actions.licenses.releasing import release_all
from services import clock, metrics
from services.dynamodb import transact
from services.ecs import Task
from services.instances import Instance, InstanceStatus
from services.platform import Platform

_log = structlog.get_logger()
_STOP_SECONDS = 60  # when the tick looks whether a task that has to stop first has done so


def tear_down(platform: Platform, instance: Instance, worker: str) -> bool:
    """Go as far towards nothing as can be gone now; True when the instance is gone.

    False when a task has to stop first: ECS's event, or the tick, then carries on from there. `worker`
    holds the work, and has given it up when this returns.
    """
    if "runId" in instance:
        stopped = _without_run(platform, instance, worker)
        if stopped is None:
            return False
        instance = stopped
    if not release_all(platform, instance):
        platform.instances.leave(instance, worker, clock.now() + _STOP_SECONDS)
        return False
    _delete_resources(platform, instance)
    if "lastStarted" in instance and not instance.get("purged"):
        _purge(platform, start_purge(platform, instance, worker), worker)
        return False
    for access_point in _access_points(platform, instance):
        platform.efs.delete_access_point(access_point)
    _delete_records(platform, instance)
    return True


def _without_run(platform: Platform, instance: Instance, worker: str) -> Instance | None:
    """The instance once its run is over; None while a task has to stop or to finish purging."""
    run_id = instance["runId"]
    if instance.get("runKind") == "purge":
        if "taskArn" in instance:
            platform.instances.leave(instance, worker, clock.now() + _STOP_SECONDS)
        else:  # the task that an earlier attempt may have launched is noted, else it is launched now
            _purge(platform, instance, worker, again=True)
        return None
    task_arn = instance.get("taskArn") or platform.ecs.find(run_id)
    if task_arn is None:
        return close_run(platform, instance, worker, Task("", run_id, "STOPPED", ""))
    platform.ecs.stop(task_arn, "The instance is being destroyed")
    platform.instances.record(instance, worker, {"taskArn": task_arn})
    platform.instances.leave(instance, worker, clock.now() + _STOP_SECONDS)
    return None


def _purge(platform: Platform, instance: Instance, worker: str, *, again: bool = False) -> None:
    """Launch the task that erases the instance's files; one that cannot be had now is left to the tick."""
    try:
        launch(platform, instance, worker, again=again)
    except NoCapacity:
        _log.warning("no capacity for a purge task")
        platform.instances.leave(instance, worker, clock.now() + _STOP_SECONDS)


def _delete_resources(platform: Platform, instance: Instance) -> None:
    name = instance["instanceId"]
    concurrently(
        lambda: platform.elb.unroute(name),
        lambda: platform.route53.forget(instance["host"]),
        lambda: platform.s3.delete_bucket(instance["s3BucketName"]),
        lambda: platform.iam.delete_user(name),
        lambda: platform.secrets.delete(name),
        lambda: platform.ecs.retire_definitions(name),
    )


def _access_points(platform: Platform, instance: Instance) -> list[str]:
    known = instance.get("accessPointId")
    return [known] if known else platform.efs.find_access_points(instance["instanceId"])


def _delete_records(platform: Platform, instance: Instance) -> None:
    instances = platform.instances
    same = instances.is_same(instance)
    operations = [
        instances.delete(instance["userId"], same),
        platform.hosts.release(instance["host"], instance["instanceId"]),
        platform.counters.count(instance["userId"], {InstanceStatus.DESTROYING: -1}),
    ]
    license_id = instance.get("licenseId")
    if license_id and (license := platform.licenses.find(license_id)):
        operations.append(platform.licenses.remove(license))
    transact(*operations)
    metrics.resource("efs", -1)
    metrics.resource("s3", -1)
