"""Undoing an instance, from whatever state it is in, until nothing is left."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import structlog

from actions.billing.storage import settle
from actions.errors import NoCapacity, StartDelayed
from actions.instances.ending import end_task, is_missing_for_long
from actions.instances.farewell import departs, keeps_saves, kept_license, reduce_secret
from actions.instances.file_definition import family
from actions.instances.file_outcome import pause_before
from actions.instances.launching import get_task, note_task
from actions.instances.locking import Lock
from actions.instances.renewing import first_revision, noted_revision
from actions.instances.starting import start_file_run, start_purge
from actions.licenses.keys import release_keys
from actions.licenses.releasing import release_all
from actions.lookup import own_license
from services import metrics
from services.concurrency import concurrently
from services.dynamodb import Operation, transact
from services.ecs import revision_of
from services.errors import Unfinished
from services.instances import Farewell, Instance, InstanceStatus, is_complete, repository_of
from services.platform import Platform
from services.saves import SaveKind

_log = structlog.get_logger()
_STOP_SECONDS = 60  # when the tick looks whether a task that has to stop first has done so


def tear_down(lock: Lock) -> bool:
    """Go as far towards nothing as can be gone now; True when the instance is gone.

    False when a task has to stop first: ECS's event, or the tick, then carries on from there.
    """
    if "runId" in lock.instance and not _end_run(lock):
        return False
    if lock.instance.get("farewell") == Farewell.WANTED:
        _ask_for_save(lock)
        return False
    instance = lock.instance
    has_files = bool(
        {"lastStarted", "filesShape"} & instance.keys()
    )  # a server, or a file task, has run
    erases_files = has_files and not instance.get("purged")
    removals = [] if instance.get("emptied") else _removals(lock.platform, instance)
    try:
        task_arn, *outcomes = concurrently(
            partial(_ask_for_purge, lock) if erases_files else lambda: None, *removals
        )
    except Unfinished:
        return False  # the tick goes on where this has ended
    is_empty = all(outcome is not False for outcome in outcomes)
    if task_arn:
        note_task(lock, task_arn, emptied=is_empty)
    if erases_files:
        return False
    if not is_empty:
        lock.pause(_STOP_SECONDS)
        return False
    for access_point in _access_points(lock.platform, lock.instance):
        lock.platform.efs.delete_access_point(access_point)
    _delete_records(lock)
    return True


def _end_run(lock: Lock) -> bool:
    """Whether the instance's run is over; False while a task has to stop, or to finish a save or purging."""
    instance = lock.instance
    is_last_save = instance.get("runKind") == "save" and instance.get("farewell") == Farewell.WANTED
    is_awaited = instance.get("runKind") == "purge" or is_last_save
    # Of one that ECS has forgotten nothing would ever be heard: it counts as over once it was asked to stop.
    if is_awaited and not is_missing_for_long(instance):
        if "taskArn" in instance:
            lock.pause(_STOP_SECONDS)
        # The task that an earlier attempt may have launched is noted, else it is launched now.
        elif task_arn := _asked(lock, is_retry=True):
            note_task(lock, task_arn)
        return False
    return end_task(lock, "The instance is being destroyed")


def _ask_for_save(lock: Lock) -> None:
    """Decide that a task saves the files a last time, and ask for it."""
    start_file_run(lock, "save", {"kind": SaveKind.BEFORE_DESTROY, "forget": [], "check": None})
    if task_arn := _asked(lock):
        note_task(lock, task_arn)
    elif tries := lock.instance.get("farewellTries"):
        lock.pause(pause_before(tries))


def _ask_for_purge(lock: Lock) -> str | None:
    """Decide that a task erases the files, and ask for it."""
    start_purge(lock)
    return _asked(lock)


def _asked(lock: Lock, *, is_retry: bool = False) -> str | None:
    """The ARN of the purge's task; None if it cannot be had now: that is left to the tick."""
    try:
        return get_task(lock, is_retry=is_retry).arn
    except (NoCapacity, StartDelayed):
        _log.warning("a purge task cannot be had now")
        lock.pause(_STOP_SECONDS)
        return None


def _removals(platform: Platform, instance: Instance) -> list[Callable[[], Any]]:
    """What removes all but the files, one by one; False of one means that it has to be tried again later."""
    name = instance["instanceId"]
    return [
        lambda: _release(platform, instance),
        lambda: platform.elb.unroute(name),
        lambda: platform.route53.forget(instance["host"]),
        lambda: platform.s3.delete_bucket(instance["s3BucketName"]),
        lambda: platform.iam.delete_user(name),
        lambda: platform.task_roles.delete(name),
        lambda: _forget_saves(platform, instance),
        lambda: platform.ecs.retire_all(name, first_revision(instance), noted_revision(instance)),
    ]


def _forget_saves(platform: Platform, instance: Instance) -> None:
    """Remove what made its saves and, unless they are kept, those."""
    name, noted = instance["instanceId"], instance.get("filesDefinition")
    if not {"filesShape", "repository"} & instance.keys():
        return  # a file task has never been asked for
    settle(platform, instance)
    platform.file_roles.delete(name)
    platform.ecs.retire_all(family(name), 1, revision_of(noted) if noted else 0)
    if keeps_saves(instance):
        return
    platform.save_bucket.delete(repository_of(instance))
    for save in platform.saves.of_repository(repository_of(instance)):
        transact(platform.saves.forget(save))


def _release(platform: Platform, instance: Instance) -> bool:
    """Give back what is booked, lent and leased; then nobody needs the secret, which holds the licence's key.

    With saves that are kept, the password to them stays, and with a licence that is kept, its key.
    """
    kept = kept_license(platform, instance)
    if not release_all(platform, instance, with_license=kept is None):
        return False
    reduce_secret(platform, instance, with_key=kept is not None)
    return True


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
    claims = instance.get("licenseClaims", [])
    if stays := kept_license(platform, instance):
        operations += platform.licenses.keep(stays, instance["instanceId"], claims)
    else:
        operations += release_keys(platform, instance, claims)
        operations += _license_goes(platform, instance)
    operations += departs(platform, instance)
    lock.finish(*operations)
    if is_complete(instance):  # what was never made whole was not counted
        metrics.resource("efs", -1)
        metrics.resource("s3", -1)


def _license_goes(platform: Platform, instance: Instance) -> list[Operation]:
    license = own_license(platform, instance)
    return [platform.licenses.remove(license)] if license else []
