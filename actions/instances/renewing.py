"""Another revision of an instance's task definition: for another licence, or another version of Foundry."""

from __future__ import annotations

from actions.instances.definition import definition
from actions.instances.locking import Lock
from actions.instances.versions import image_tag
from services.instances import LOCK_FIELDS, is_complete


def renew_definition(lock: Lock, license_id: str, license_secret: str | None) -> str:
    """Register a new revision in place of all others and note it; returns its ARN."""
    platform, instance = lock.platform, lock.instance
    if not is_complete(instance):
        raise LookupError(f"instance {instance['instanceId']} is not made yet")
    arn = platform.ecs.register(definition(instance, platform.settings, license_secret))
    platform.ecs.retire_definitions(instance["instanceId"], keep=arn)
    lock.note(
        {
            "taskDefinitionArn": arn,
            "taskDefinitionLicense": license_id,
            "taskDefinitionTag": image_tag(instance),
        }
    )
    return arn


def put_version_in(lock: Lock) -> None:
    """Make the task definition agree with the instance's version; the lock is given back."""
    instances, licenses = lock.platform.instances, lock.platform.licenses
    license_id = lock.instance.get("taskDefinitionLicense", "")
    found = licenses.find(license_id) if license_id else None
    renew_definition(lock, license_id if found else "", found["secretArn"] if found else None)
    version = {"foundryVersion": lock.instance["foundryVersion"]}
    removed = (*LOCK_FIELDS, "due", "dueAt")
    lock.finish(instances.change(lock.instance, lock.held, version, removed))
