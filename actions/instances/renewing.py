"""Another revision of an instance's task definition: for another licence, or another version of Foundry."""

from __future__ import annotations

from typing import Any

from actions.instances.credentials import put_in_place
from actions.instances.definition import definition
from actions.instances.locking import Lock
from actions.instances.sleeping import rests
from actions.instances.versions import image_tag
from services import clock
from services.ecs import revision_of
from services.instances import Instance, is_complete
from services.locks import LOCK_FIELDS


def renew_definition(lock: Lock, license_id: str, license_secret: str | None) -> str:
    """Register a new revision in place of all others and note it; returns its ARN."""
    platform, instance = lock.platform, lock.instance
    if not is_complete(instance):
        raise LookupError(f"instance {instance['instanceId']} is not made yet")
    former = first_revision(instance)
    arn = platform.ecs.register(definition(instance, platform.settings, license_secret))
    lock.note(
        {
            "taskDefinitionArn": arn,
            "taskDefinitionLicense": license_id,
            "taskDefinitionTag": image_tag(instance),
            "formerRevision": former,
        }
    )
    retire_former(lock)
    return arn


def first_revision(instance: Instance) -> int:
    """The first revision that there may still be."""
    return instance.get("formerRevision", max(noted_revision(instance), 1))


def noted_revision(instance: Instance) -> int:
    """The revision that the instance starts with; 0 if none is noted."""
    return revision_of(instance["taskDefinitionArn"]) if is_complete(instance) else 0


def retire_former(lock: Lock) -> None:
    """See that only the noted revision is left. Who finishes with the lock removes `formerRevision`."""
    instance = lock.instance
    if is_complete(instance) and "formerRevision" in instance:
        noted, former = noted_revision(instance), instance["formerRevision"]
        lock.platform.ecs.retire(instance["instanceId"], former, before=noted)


def put_version_in(lock: Lock, done: tuple[str, ...] = ()) -> None:
    """Make the task definition agree with the instance's version; the lock is given back.

    A change of the licence key that was interrupted is finished before. `done` are the attributes that go with it.
    """
    if len(lock.instance.get("licenseClaims", [])) > 1:
        put_in_place(lock, {})
    instances, licenses = lock.platform.instances, lock.platform.licenses
    license_id = lock.instance.get("taskDefinitionLicense", "")
    found = licenses.find(license_id) if license_id else None
    renew_definition(lock, license_id if found else "", found["secretArn"] if found else None)
    values: dict[str, Any] = {"foundryVersion": lock.instance["foundryVersion"]}
    removed: tuple[str, ...] = (*LOCK_FIELDS, "renews", "formerRevision", *done)
    if {"work", "runId", "startsAfter"} & lock.instance.keys() - {*done}:
        values["dueAt"] = clock.now()  # with its files there is more to do
    elif later := rests(lock.platform, lock.instance):
        values |= later
    else:
        removed += ("due", "dueAt")
    lock.finish(instances.change(lock.instance, lock.held, values, removed))
