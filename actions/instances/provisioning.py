"""All that a server is made of in AWS: access point, secret, bucket, DNS record, task definition.

Every name derives from the instance's id, so that repeating finds what an earlier attempt has made.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from actions.instances.coming_back import files_come_back, has_come_back
from actions.instances.definition import definition
from actions.instances.locking import Lock
from actions.instances.renewing import retire_former
from actions.instances.transitions import transition
from actions.instances.versions import image_tag
from actions.licenses.keys import release_keys
from services import clock, metrics
from services.concurrency import concurrently
from services.ecs import revision_of
from services.instances import Complete, Instance, InstanceStatus
from services.locks import LOCK_FIELDS
from services.platform import Platform


def provision(lock: Lock, secrets: Mapping[str, str], *, is_retry: bool) -> None:
    """Make all that the locked instance needs and let it be `created`; the lock is given back.

    `secrets` is what the member gave, for the instance's secret. `is_retry` when an earlier attempt may have
    got that far.
    """
    platform, instance = lock.platform, lock.instance
    bucket, host = instance["s3BucketName"], instance["host"]
    made, _, _ = concurrently(
        lambda: _definition(lock, secrets, is_retry=is_retry),
        lambda: platform.s3.make_bucket(bucket, f"https://{host}"),
        lambda: platform.route53.point(host),
    )
    if revision_of(made["taskDefinitionArn"]) > 1:
        lock.note(made | {"formerRevision": 1})
        retire_former(lock)
    _finish(lock, made)


def _definition(lock: Lock, secrets: Mapping[str, str], *, is_retry: bool) -> dict[str, Any]:
    """Make the task definition and what it names; returns what is to be noted of them."""
    platform, instance = lock.platform, lock.instance
    access_point, secret = concurrently(
        lambda: _files(platform, instance["instanceId"], is_retry),
        lambda: _secret(platform, instance, secrets),
    )
    made = {
        "accessPointId": access_point,
        "secretArn": secret,
        "taskDefinitionTag": image_tag(instance),
    }
    own_license = secret if instance["licenseType"] == "byol" else None
    wanted = definition(cast("Complete", {**instance, **made}), platform.settings, own_license)
    return made | {"taskDefinitionArn": platform.ecs.register(wanted)}


def _files(platform: Platform, instance_id: str, is_retry: bool) -> str:
    """Make the access point to the instance's files, and the role that may use it."""
    found = platform.efs.find_access_points(instance_id) if is_retry else []
    access_point = found[0] if found else platform.efs.make_access_point(instance_id)
    platform.task_roles.make(instance_id, access_point)
    return access_point


def _secret(platform: Platform, instance: Instance, secrets: Mapping[str, str]) -> str:
    """Make the bucket's user and store its key with the member's own secrets."""
    bucket, instance_id = instance["s3BucketName"], instance["instanceId"]
    key_id, key_secret = platform.iam.make_user(instance_id, bucket)
    aws_config = {
        "buckets": [bucket],
        "region": platform.settings.aws_region,
        "credentials": {"accessKeyId": key_id, "secretAccessKey": key_secret},
    }
    return platform.secrets.make(instance_id, {**secrets, "awsConfig": json.dumps(aws_config)})


def _finish(lock: Lock, made: dict[str, Any]) -> None:
    platform, instance, now = lock.platform, lock.instance, clock.now()
    brings_license = instance["licenseType"] == "byol"
    license_id = f"license-{instance['instanceId']}"
    claims = instance.get("licenseClaims", [])
    former, kept = (claims[:-1], claims[-1:]) if brings_license else (claims, [])
    values = made | {"statusSince": now, "licenseClaims": kept}
    if brings_license:
        values |= {"licenseId": license_id, "taskDefinitionLicense": license_id}
        values["licenseOwnerId"] = instance["userId"]
    removed: tuple[str, ...] = (*LOCK_FIELDS, "due", "dueAt", "formerRevision")
    if "repository" in instance:
        values |= files_come_back(instance)
        removed = (*LOCK_FIELDS, "formerRevision")
    operations = transition(platform, instance, InstanceStatus.CREATED, lock.held, values, removed)
    operations += has_come_back(platform, instance)
    operations += release_keys(platform, instance, former)
    if brings_license:
        shares = instance["allowLicenseSharing"]
        operations.append(
            platform.licenses.add(license_id, instance["userId"], made["secretArn"], shares, now)
        )
    lock.finish(*operations)
    metrics.resource("efs", 1)
    metrics.resource("s3", 1)
