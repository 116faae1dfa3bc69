"""create-instance: all that a member's server needs, at rest and ready to start (contract: Create Instance).

The item is written first, with the id from which every resource's name derives. Whatever is interrupted
is completed by calling again, or undone by the tick when nobody does.
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal, cast

from pydantic import Field, model_validator

from actions.action import Action, Answer, Scope, Secret, UserRequest
from actions.concurrency import concurrently
from actions.errors import Busy, Conflict, InstanceExists, InvalidRequest
from actions.instances.definition import definition
from actions.instances.locking import working
from actions.instances.naming import labels, slug
from actions.instances.transitions import transition
from actions.instances.versions import DEFAULT, Version
from services import clock, ids, metrics
from services.dynamodb import Attr, ConditionFailed, transact
from services.instances import WORK_SECONDS, Instance, InstanceStatus, is_worked_on
from services.platform import Platform

UNDO_SECONDS = 600  # how long a half-made instance waits for its owner to call again


class CreateInstance(UserRequest):
    """What the member gives. Secrets go to Secrets Manager and nowhere else."""

    username: Annotated[str, Field(min_length=1, max_length=64)]
    foundry_license: Secret | None = None
    foundry_admin_key: Secret
    foundry_version: Version = DEFAULT
    license_type: Literal["byol", "pooled"] = "byol"
    allow_license_sharing: bool = False
    foundry_username: Annotated[str, Field(min_length=1, max_length=128)] | None = None
    foundry_password: Secret | None = None

    @model_validator(mode="after")
    def _complete(self) -> CreateInstance:
        if self.license_type == "byol" and self.foundry_license is None:
            raise InvalidRequest(
                "A server of licenseType byol needs a licence key.",
                field="foundryLicense",
                suggestion='Give your key, or ask for licenseType "pooled".',
            )
        if (self.foundry_username is None) != (self.foundry_password is None):
            raise InvalidRequest(
                "foundryUsername and foundryPassword go together.",
                field="foundryPassword" if self.foundry_username else "foundryUsername",
                suggestion="Give both, or neither to use the operator's account.",
            )
        return self

    def secrets(self) -> dict[str, str]:
        """What the instance's secret holds of the request."""
        given = {
            "licenseKey": self.foundry_license,
            "adminKey": self.foundry_admin_key,
            "password": self.foundry_password,
        }
        plain = {name: secret.get_secret_value() for name, secret in given.items() if secret}
        return plain | ({"username": self.foundry_username} if self.foundry_username else {})


def create(request: CreateInstance, platform: Platform) -> Answer:
    """Make the instance, or complete a half-made one. Raises InstanceExists, Busy."""
    if request.foundry_username is None and not platform.settings.operator_secret_arn:
        raise InvalidRequest(
            "This platform has no foundryvtt.com account of its own to download Foundry with.",
            field="foundryUsername",
            suggestion="Give foundryUsername and foundryPassword of your account.",
        )
    worker = ids.new_id()
    instance, again = _intend(request, platform, worker)
    with working(platform, instance, worker, retry_after=UNDO_SECONDS):
        _complete(request, platform, instance, worker, again)
    return {
        "success": True,
        "instanceUrl": f"https://{instance['host']}",
        "message": "Instance created successfully",
    }


def _intend(request: CreateInstance, platform: Platform, worker: str) -> tuple[Instance, bool]:
    """Record the intent under a host name of its own; True beside it when an earlier attempt is resumed."""
    instance_id = ids.new_id()
    for label in labels(request.username, request.user_id):
        instance = _intended(request, platform, worker, instance_id, label)
        try:
            transact(
                platform.instances.put(instance, Attr("userId").not_exists()),
                platform.hosts.claim(instance["host"], request.user_id, instance_id),
                platform.counters.count(request.user_id, {InstanceStatus.CREATING: 1}),
            )
        except ConditionFailed as refused:
            if 0 in refused.failed:
                return _resume(request, platform, worker), True
            continue  # somebody else's host name: take the next
        return instance, False
    raise Conflict("No host name could be found for this user name.", field="username")


def _intended(
    request: CreateInstance, platform: Platform, worker: str, instance_id: str, label: str
) -> Instance:
    now = clock.now()
    intended: Any = {
        "userId": request.user_id,
        "instanceId": instance_id,
        "username": request.username,
        "label": label,
        "host": f"{label}.{platform.settings.domain}",
        "s3BucketName": f"foundry-{label[:20].strip('-')}-{slug(request.user_id)}-{instance_id}",
        "status": InstanceStatus.CREATING,
        "statusSince": now,
        "createdAt": now,
        "worker": worker,
        "workerUntil": now + WORK_SECONDS,
        "due": "instance",
        "dueAt": now + UNDO_SECONDS,
        **_choices(request),
    }
    return cast("Instance", intended)


def _choices(request: CreateInstance) -> dict[str, Any]:
    """What a repeated call may say differently from the interrupted one."""
    return {
        "foundryVersion": request.foundry_version,
        "licenseType": request.license_type,
        "allowLicenseSharing": request.allow_license_sharing,
        "operatorAccount": request.foundry_username is None,
    }


def _resume(request: CreateInstance, platform: Platform, worker: str) -> Instance:
    found = platform.instances.find(request.user_id)
    if found is None:
        raise Busy("unknown")  # destroyed between two reads
    if found["status"] != InstanceStatus.CREATING:
        raise InstanceExists(found["host"], found["status"])
    now = clock.now()
    if is_worked_on(found, now):
        raise Busy(InstanceStatus.CREATING)
    values = _choices(request) | {"dueAt": now + UNDO_SECONDS}
    try:
        return platform.instances.take(
            found, worker, now, Attr("status").eq(InstanceStatus.CREATING), values
        )
    except ConditionFailed as refused:
        raise Busy(InstanceStatus.CREATING) from refused


def _complete(
    request: CreateInstance, platform: Platform, instance: Instance, worker: str, again: bool
) -> None:
    name, bucket, host = instance["instanceId"], instance["s3BucketName"], instance["host"]
    access_point, secret, _, _ = concurrently(
        lambda: _access_point(platform, name, again),
        lambda: _secret(request, platform, name, bucket),
        lambda: platform.s3.make_bucket(bucket, f"https://{host}"),
        lambda: platform.route53.point(host),
    )
    own_license = secret if request.license_type == "byol" else None
    made: dict[str, Any] = {"accessPointId": access_point, "secretArn": secret}
    made["taskDefinitionArn"] = platform.ecs.register(
        definition(cast("Instance", {**instance, **made}), platform.settings, own_license)
    )
    if again:
        platform.ecs.retire_definitions(name, keep=made["taskDefinitionArn"])
    _finish(platform, instance, worker, made, own_license)


def _access_point(platform: Platform, instance_id: str, again: bool) -> str:
    found = platform.efs.find_access_points(instance_id) if again else []
    return found[0] if found else platform.efs.make_access_point(instance_id)


def _secret(request: CreateInstance, platform: Platform, instance_id: str, bucket: str) -> str:
    """Make the bucket's user and store its key with the member's own secrets."""
    key_id, key_secret = platform.iam.make_user(instance_id, bucket)
    aws_config = {
        "buckets": [bucket],
        "region": platform.settings.aws_region,
        "credentials": {"accessKeyId": key_id, "secretAccessKey": key_secret},
    }
    return platform.secrets.make(
        instance_id, request.secrets() | {"awsConfig": json.dumps(aws_config)}
    )


def _finish(
    platform: Platform,
    instance: Instance,
    worker: str,
    made: dict[str, Any],
    own_license: str | None,
) -> None:
    license_id = f"license-{instance['instanceId']}"
    now = clock.now()
    values = made | {"statusSince": now}
    if own_license:
        values |= {"licenseId": license_id, "taskDefinitionLicense": license_id}
        values["licenseOwnerId"] = instance["userId"]
    mine = Attr("worker").eq(worker)
    removed = ("worker", "workerUntil", "due", "dueAt")
    operations = transition(platform, instance, InstanceStatus.CREATED, mine, values, removed)
    if own_license:
        operations.append(
            platform.licenses.add(
                license_id, instance["userId"], own_license, instance["allowLicenseSharing"], now
            )
        )
    transact(*operations)
    metrics.resource("efs", 1)
    metrics.resource("s3", 1)


ACTION = Action(CreateInstance, create, Scope.USER)
