"""Undoing an instance, from whatever state it is in, until nothing is left."""

from __future__ import annotations

import structlog

from actions.concurrency import concurrently
from actions.errors import NoCapacity, StartDelayed
from actions.instances.ending import end_task
from actions.instances.launching import launch
from actions.instances.locking import Lock
from actions.instances.renewing import first_revision
from actions.instances.starting import start_purge
from actions.licenses.releasing import release_all
from services import metrics
from services.errors import Unfinished
from services.instances import Instance, InstanceStatus
from services.platform import Platform

_log = structlog.get_logger()
_STOP_SECONDS = 60  # when the tick looks whether a task that has to stop first has done so


def tear_down(lock: Lock) -> bool:
    """Go as far towards nothing as can be gone now; True when the instance is gone.

    False when a task has to stop first: ECS's event, or the tick, then carries on from there.
    """
    if "runId" in lock.instance and not _end_run(lock):
        return False
    platform, instance = lock.platform, lock.instance
    if not release_all(platform, instance):
        lock.pause(_STOP_SECONDS)
        return False
    try:
        _delete_resources(platform, instance)
    except Unfinished:
        return False  # the tick goes on where this has ended
    if "lastStarted" in instance and not instance.get("purged"):
        start_purge(lock)
        _launch_purge(lock)
        return False
    for access_point in _access_points(platform, instance):
        platform.efs.delete_access_point(access_point)
    _delete_records(lock)
    return True


def _end_run(lock: Lock) -> bool:
    """Whether the instance's run is over; False while a task has to stop or to finish purging."""
    instance = lock.instance
    if instance.get("runKind") == "purge":
        if "taskArn" in instance:
            lock.pause(_STOP_SECONDS)
        else:
            # The task that an earlier attempt may have launched is noted, else it is launched now.
            _launch_purge(lock, is_retry=True)
        return False
    return end_task(lock, "The instance is being destroyed")


def _launch_purge(lock: Lock, *, is_retry: bool = False) -> None:
    """Launch the task that erases the instance's files; one that cannot be had now is left to the tick."""
    try:
        launch(lock, is_retry=is_retry)
    except (NoCapacity, StartDelayed):
        _log.warning("a purge task cannot be had now")
        lock.pause(_STOP_SECONDS)


def _delete_resources(platform: Platform, instance: Instance) -> None:
    name = instance["instanceId"]
    concurrently(
        lambda: platform.elb.unroute(name),
        lambda: platform.route53.forget(instance["host"]),
        lambda: platform.s3.delete_bucket(instance["s3BucketName"]),
        lambda: platform.iam.delete_user(name),
        lambda: platform.task_roles.delete(name),
        lambda: platform.secrets.delete(name),
        lambda: platform.ecs.retire(name, first_revision(instance)),
    )


def _access_points(platform: Platform, instance: Instance) -> list[str]:
    known = instance.get("accessPointId")
    return [known] if known else platform.efs.find_access_points(instance["instanceId"])


def _delete_records(lock: Lock) -> None:
    platform, instance, instances = lock.platform, lock.instance, lock.platform.instances
    same = instances.is_same(instance)
    operations = [
        instances.delete(instance["userId"], same),
        platform.hosts.release(instance["host"], instance["instanceId"]),
        platform.counters.count(instance["userId"], {InstanceStatus.DESTROYING: -1}),
    ]
    license_id = instance.get("licenseId")
    if license_id and (license := platform.licenses.find(license_id)):
        operations.append(platform.licenses.remove(license))
    lock.finish(*operations)
    metrics.resource("efs", -1)
    metrics.resource("s3", -1)
