"""The task definition of an instance's file tasks, made when one is first needed, or would be another."""

from __future__ import annotations

from actions.instances.file_definition import PASSWORD, family, file_definition, shape
from actions.instances.locking import Lock
from services import ids
from services.ecs import revision_of
from services.instances import Complete, is_complete, repository_of


def files_definition(lock: Lock) -> str:
    """The ARN of the definition that an instance's file task is to have; no other one of its is left.

    With the first come the role that the task needs, and the password of the instance's repository, which is never
    another one afterwards.
    """
    platform, instance = lock.platform, lock.instance
    if not is_complete(instance):
        raise LookupError(f"instance {instance['instanceId']} is not made yet")
    wanted = file_definition(platform, instance)
    noted = instance.get("filesDefinition")
    if noted and instance.get("filesShape") == shape(wanted):
        return noted
    lock.note({"filesShape": ""})  # until all former ones are gone
    platform.file_roles.make(
        instance["instanceId"],
        instance["accessPointId"],
        repository_of(instance),
        instance["s3BucketName"],
    )
    _see_to_password(lock, instance)
    arn = platform.ecs.register(wanted)
    first = revision_of(noted) if noted else 1
    platform.ecs.retire(family(instance["instanceId"]), first, before=revision_of(arn))
    lock.note({"filesDefinition": arn, "filesShape": shape(wanted)})
    return arn


def _see_to_password(lock: Lock, instance: Complete) -> None:
    secrets = lock.platform.secrets
    if PASSWORD not in secrets.read(instance["secretArn"]):
        secrets.change(instance["instanceId"], {PASSWORD: ids.new_secret()})
