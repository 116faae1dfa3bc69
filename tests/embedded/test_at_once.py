"""Many at once, with real connections: one task, one instance, distinct hosts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests import proof, world
from tests.embedded.at_once import at_once, granted, refused
from tests.world import sample

pytestmark = pytest.mark.embedded

SECTION = "Many at once, with real connections"
Invoke = Callable[..., dict[str, Any]]


def several(small: int, full: int) -> pytest.MarkDecorator:
    """How many callers: few in every run of the tests, all of them in `make prove`."""
    return pytest.mark.parametrize("callers", [small, pytest.param(full, marks=pytest.mark.prove)])


def create(invoke: Invoke, user: str, name: str) -> dict[str, Any]:
    return invoke(sample("create-instance", userId=user, username=name))


@several(10, 50)
def test_of_many_starts_for_one_user_one_succeeds_and_one_task_runs(
    callers: int, aws: dict[str, str], invoke: Invoke
) -> None:
    assert create(invoke, "ada", "Ada")["success"]
    answers = at_once([partial(invoke, "start-instance", userId="ada")] * callers)

    assert [answer["status"] for answer in granted(answers)] == ["starting"]
    for answer in refused(answers):
        assert answer["errorCode"] == "RESOURCE_CONFLICT", answer
        assert answer["details"]["status"] == "starting", answer
    assert len(tasks(world.cluster(aws))) == 1
    assert len(world.items("runs")) == 1
    proof.record(SECTION, f"{callers} starts for one user: one task", cases=callers)


@several(6, 20)
def test_of_many_creates_for_one_user_one_instance_comes_and_nothing_is_left_over(
    callers: int, aws: dict[str, str], invoke: Invoke
) -> None:
    names = [f"Ada {number % 3}" for number in range(callers)]  # three host names to claim
    answers = at_once([partial(create, invoke, "ada", name) for name in names])

    (made,) = granted(answers)
    for answer in refused(answers):
        assert answer["errorCode"] == "RESOURCE_CONFLICT", answer
        assert answer["details"]["status"] in ("unknown", "created"), answer
    (instance,) = world.items("instances")
    (claim,) = world.items("hosts")
    assert made["instanceUrl"] == f"https://{instance['host']}" == f"https://{claim['host']}"
    assert_all_belongs_to({instance["instanceId"]: instance["host"]}, aws)
    proof.record(SECTION, f"{callers} creates for one user: one instance", cases=callers)


@several(6, 20)
def test_users_whose_names_collide_get_a_host_each(
    callers: int, aws: dict[str, str], invoke: Invoke
) -> None:
    spellings = ("Ada", "ADA", "ada!", "Äda", " ada ", "a.d.a".replace(".", ""))
    answers = at_once(
        [
            partial(create, invoke, f"user-{number}", spellings[number % len(spellings)])
            for number in range(callers)
        ]
    )

    assert len(granted(answers)) == callers, refused(answers)
    assert len({answer["instanceUrl"] for answer in answers}) == callers
    instances = {found["instanceId"]: found["host"] for found in world.items("instances")}
    assert len(instances) == callers
    assert {claim["host"] for claim in world.items("hosts")} == set(instances.values())
    assert_all_belongs_to(instances, aws)
    line = f"creates for {callers} users of the same name: {callers} instances, {callers} hosts"
    proof.record(SECTION, line, cases=callers)


def tasks(cluster: str) -> list[str]:
    """All tasks, running or stopped."""
    ecs = world.client("ecs")
    return [
        arn
        for status in ("RUNNING", "STOPPED")
        for arn in ecs.list_tasks(cluster=cluster, desiredStatus=status)["taskArns"]
    ]


def assert_all_belongs_to(instances: dict[str, str], aws: dict[str, str]) -> None:
    """Each instance (id: host) has one of each kind of resource, and there are no others."""
    ids = sorted(instances)
    for kind, found in made_for_instances(aws).items():
        assert sorted(found) == ids, kind
    names = world.client("route53").list_resource_record_sets(HostedZoneId=aws["HOSTED_ZONE_ID"])
    pointed = {
        record["Name"].rstrip(".")
        for record in names["ResourceRecordSets"]
        if record["Type"] == "A"
    }
    assert pointed == set(instances.values())


def made_for_instances(aws: dict[str, str]) -> dict[str, list[str]]:
    """The instance that each resource was made for, by kind; from the names that the platform gives them."""
    points = world.client("efs").describe_access_points(FileSystemId=aws["FILE_SYSTEM_ID"])
    secrets = world.client("secretsmanager").list_secrets(MaxResults=100)["SecretList"]
    users = world.client("iam").list_users(PathPrefix=f"/{world.STACK}/")["Users"]
    roles = world.client("iam").list_roles(PathPrefix=f"/{world.STACK}/")["Roles"]
    families = world.client("ecs").list_task_definitions(status="ACTIVE")["taskDefinitionArns"]
    definitions = [arn.split("/")[-1].split(":")[0] for arn in families]
    return {
        "access points": [
            p["ClientToken"] for p in points["AccessPoints"] if p["ClientToken"] != "cache"
        ],
        "secrets": [
            s["Name"].split("/")[1]
            for s in secrets
            if "/" in s["Name"] and not s["Name"].endswith("/webhook-key")
        ],
        "buckets": [
            b["Name"].split("-")[-1]
            for b in world.client("s3").list_buckets()["Buckets"]
            if b["Name"].startswith("foundry-")
        ],
        "users": [user["UserName"].removeprefix(f"{world.STACK}-") for user in users],
        "roles": [role["RoleName"].removeprefix(f"{world.STACK}-") for role in roles],
        "task definitions": [
            name.removeprefix(f"{world.STACK}_")
            for name in definitions
            if not name.endswith("_purge")
        ],
    }
