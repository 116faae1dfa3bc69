"""The emulator from inside: read without a call, and put back to where a story begins.

A call through botocore and the emulator takes milliseconds, and there are many thousand steps; building a
world takes seconds. So what the tests look at is read from the emulator's own objects, and each story
begins with a copy of one prepared world.
"""

from __future__ import annotations

import copy
import json
from typing import Any

from moto.core.base_backend import BackendDict
from moto.core.model_instances import reset_model_data
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.dynamo_type import DynamoType
from moto.ec2.models import ec2_backends
from moto.ecs.models import ecs_backends
from moto.efs.models import efs_backends
from moto.elbv2.models import elbv2_backends
from moto.iam.models import iam_backends
from moto.logs.models import logs_backends
from moto.route53.models import route53_backends
from moto.s3.models import s3_backends
from moto.secretsmanager.models import secretsmanager_backends
from moto.sqs.models import sqs_backends

from services.values import deserialize
from tests import world

Item = dict[str, Any]


_OF_NETWORK = ("groups", "tags")  # security groups come and go, and have tags


class Copy:
    """What the emulator holds at one moment; of the network only its security groups, the rest stays as it is."""

    def __init__(self) -> None:
        self._held = {id(backend): backend for backend in _backends()}
        self._locks = [queue._messages_lock for queue in _here(sqs_backends).queues.values()]
        self._saved = {key: self._copied(vars(backend)) for key, backend in self._held.items()}
        self._buckets = dict(s3_backends.bucket_accounts)
        network = vars(_here(ec2_backends))
        self._network = self._copied({name: network[name] for name in _OF_NETWORK})

    def restore(self) -> None:
        """Let everything be as it was, and what has been used since then for the first time be empty."""
        for backend in _backends():
            if id(backend) not in self._held:
                backend.reset()
        reset_model_data()  # the emulator's list of all there ever was would keep every story's
        for key, backend in self._held.items():
            vars(backend).clear()
            vars(backend).update(self._copied(self._saved[key]))
        vars(_here(ec2_backends)).update(self._copied(self._network))
        _here(ec2_backends).enis.clear()
        s3_backends.bucket_accounts.clear()
        s3_backends.bucket_accounts.update(self._buckets)

    def _copied(self, state: dict[str, Any]) -> dict[str, Any]:
        """A deep copy in which every backend, and every lock, is still itself."""
        kept: dict[int, Any] = dict(self._held)
        network = _here(ec2_backends)
        return copy.deepcopy(state, kept | {id(same): same for same in (network, *self._locks)})


def _backends() -> list[Any]:
    used = [
        backend
        for service in BackendDict._instances  # type: ignore[misc]
        for regions in service.values()
        for backend in regions.values()
    ]
    return [backend for backend in used if backend is not _here(ec2_backends)]


def _here(backends: Any, region: str = world.REGION) -> Any:
    return backends[world.ACCOUNT][region]


def items(table: str) -> list[Item]:
    """All items of a table."""
    stored = _here(dynamodb_backends).tables[world.table_of(table)].all_items()
    return [
        {name: deserialize(value) for name, value in item.to_json()["Attributes"].items()}
        for item in stored
    ]


def saves() -> list[Item]:
    """The saves; what is left of destroyed servers is in the same table."""
    return [item for item in items("saves") if "snapshot" in item]


def stored(table: str, key: tuple[str, ...]) -> Item | None:
    """The item with that key as DynamoDB writes it; None if there is none."""
    found = _here(dynamodb_backends).tables[table]
    item = found.get_item(*(DynamoType({"S": part}) for part in key))
    if item is None:
        return None
    return json.loads(json.dumps(item.to_json()["Attributes"], default=DynamoType.to_json))


def tasks(cluster: str = world.STACK) -> list[Any]:
    """All tasks of a cluster (its name or ARN) that ECS still knows of, as the emulator has them."""
    return list(_here(ecs_backends).tasks.get(cluster.split("/")[-1], {}).values())


def all_tasks() -> list[Any]:
    """The tasks of all clusters."""
    return [task for cluster in _here(ecs_backends).tasks.values() for task in cluster.values()]


def services() -> list[Any]:
    """All services that ECS still knows of, deleted ones too, as the emulator has them."""
    return list(_here(ecs_backends).services.values())


def security_groups() -> list[Any]:
    """All security groups, as the emulator has them."""
    of_vpcs = list(_here(ec2_backends).groups.values())
    return [group for groups in of_vpcs for group in list(groups.values())]


def log_streams(group: str) -> set[str]:
    """The names of a log group's streams."""
    return set(_here(logs_backends).groups[group].streams)


def task_definition(name: str) -> Any:
    """The task definition of that ARN, family and revision, or family (its latest); None if there is none."""
    family, _, revision = name.split("/")[-1].partition(":")
    registered = _here(ecs_backends).task_definitions.get(family, {})
    return registered.get(int(revision) if revision else max(registered, default=0))


def routes() -> tuple[set[str], int]:
    """The names of the load balancer's target groups, and how many rules lead to one."""
    elb = _here(elbv2_backends)
    (balancer,) = elb.load_balancers.values()
    (listener,) = balancer.listeners.values()
    return {group.name for group in elb.target_groups.values()}, len(listener.rules) - 1


def resources() -> dict[str, set[str]]:
    """The names of all else that an instance is made of."""
    return {
        "buckets": set(_here(s3_backends, "aws").buckets),
        "users": set(_here(iam_backends, "aws").users),
        "roles": {role.name for role in _here(iam_backends, "aws").roles.values()},
        "secrets": {secret.name for secret in _here(secretsmanager_backends).secrets.values()},
        "access points": {
            point.client_token for point in _here(efs_backends).access_points.values()
        },
        # but for those that fetch releases for all
        "families": {d.family for d in definitions() if "_fetch-" not in d.family},
        "records": {name for name, _ in records()},
    }


def free_names() -> None:
    """Let records be made again that were deleted: the emulator takes those after them for them."""
    for zone in _here(route53_backends, "aws").zones.values():
        zone.rr_changes[:] = [
            change | {"Action": "UPSERT"} if change["Action"] == "CREATE" else change
            for change in zone.rr_changes
        ]


def records() -> set[tuple[str, str]]:
    """The name and type of every record of every zone."""
    zones = _here(route53_backends, "aws").zones.values()
    return {(record.name.rstrip("."), record.type) for zone in zones for record in zone.rrsets}


def environments() -> list[Any]:
    """The plain environment of every container that any task definition names."""
    return [
        container.get("environment", [])
        for definition in definitions()
        for container in definition.container_definitions
    ]


def instance_secrets() -> list[str]:
    """The values of the instances' secrets."""
    return [json.dumps(values) for values in named_secrets().values()]


def named_secrets() -> dict[str, dict[str, Any]]:
    """The same by their names, as they are now."""
    stored = _here(secretsmanager_backends).secrets.values()
    ours = [s for s in stored if s.name.startswith(f"{world.STACK}/")]
    return {
        secret.name: json.loads(version["secret_string"])
        for secret in ours
        for version in secret.versions.values()
        if "AWSCURRENT" in version["version_stages"]
    }


def access_keys() -> set[str]:
    """The secret parts of the access keys that are in force."""
    users = _here(iam_backends, "aws").users.values()
    return {key.secret_access_key for user in users for key in user.access_keys}


def definitions() -> list[Any]:
    """All task definitions that are not deleted, be they registered or no longer."""
    families = _here(ecs_backends).task_definitions.values()
    return [d for family in families for d in family.values() if d.status in ("ACTIVE", "INACTIVE")]
