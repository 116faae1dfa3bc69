"""A release of Foundry is fetched once for all, by a task of the operator's."""

from __future__ import annotations

import pytest

from tests import world
from tests.aws_calls import AWS, BEFORE, Call
from tests.world import sample

pytestmark = pytest.mark.slow

NO_WORLD = {"active": False, "version": "13.351"}
HOST = "ada.play.example"


@pytest.fixture
def created(invoke, once):
    once(lambda: invoke(sample("create-instance")))


@pytest.fixture
def fetching(aws):
    """The tasks that fetch: each with its definition."""

    def look():
        ecs, cluster = world.client("ecs"), f"{world.STACK}-releases"
        arns = ecs.list_tasks(cluster=cluster)["taskArns"]
        tasks = ecs.describe_tasks(cluster=cluster, tasks=arns)["tasks"] if arns else []
        return [
            ecs.describe_task_definition(taskDefinition=task["taskDefinitionArn"])["taskDefinition"]
            for task in tasks
        ]

    return look


def another_starts(invoke, user):
    event = sample("create-instance", userId=user, username=f"member {user}")
    invoke(event)
    assert invoke("start-instance", userId=user)["success"] is True


def test_the_first_start_of_a_version_has_it_fetched_by_the_operators_account(
    created, invoke, fetching, aws
):
    invoke(sample("start-instance"))
    (definition,) = fetching()
    (container,) = definition["containerDefinitions"]
    assert container["image"] == "ghcr.io/felddy/foundryvtt:13"
    assert container["entryPoint"][-1] == "fetch"
    assert {secret["valueFrom"] for secret in container["secrets"]} == {
        f"{aws['OPERATOR_SECRET_ARN']}:username::",
        f"{aws['OPERATOR_SECRET_ARN']}:password::",
    }
    assert definition["taskRoleArn"] == f"arn:aws:iam::{world.ACCOUNT}:role/{aws['RELEASES_ROLE']}"
    (volume,) = definition["volumes"]
    point = volume["efsVolumeConfiguration"]["authorizationConfig"]["accessPointId"]
    assert point == aws["RELEASES_ACCESS_POINT_ID"]


def test_several_that_start_at_once_have_it_fetched_once(created, invoke, fetching, freezer):
    freezer.move_to("2026-03-01T20:00:00Z")
    invoke(sample("start-instance"))
    another_starts(invoke, "2")
    another_starts(invoke, "3")
    assert len(fetching()) == 1


def test_what_an_account_of_ones_own_fetches_is_not_the_operators_affair(invoke, fetching):
    invoke(sample("create-instance", foundryUsername="ada", foundryPassword="adas-password"))
    invoke(sample("start-instance"))
    assert fetching() == []


def test_a_build_that_has_run_is_not_fetched_again(
    created, invoke, ecs, foundry, fetching, freezer
):
    freezer.move_to("2026-03-01T20:00:00Z")
    invoke(sample("start-instance"))
    task = ecs.only_task()
    ecs.comes_up(task)
    foundry.says[HOST] = NO_WORLD
    freezer.tick(300)
    invoke(sample("auto-shutdown-check"))
    invoke(sample("stop-instance"))
    ecs.ends(task)
    freezer.tick(3600)
    invoke(sample("start-instance"))
    assert len(fetching()) == 1


def test_another_version_is_fetched_at_its_first_start(created, invoke, fetching):
    invoke(sample("update-version"))
    invoke(sample("start-instance"))
    (definition,) = fetching()
    assert definition["containerDefinitions"][0]["image"].endswith(":14")


def test_while_it_is_fetched_the_status_says_so(created, invoke, ecs, freezer):
    freezer.move_to("2026-03-01T20:00:00Z")
    invoke(sample("start-instance"))
    from datetime import UTC, datetime

    now = datetime.now(UTC)
    ecs.becomes(ecs.only_task(), "PENDING", pull_started_at=now, pull_stopped_at=now)
    message = invoke("status", userId=sample("create-instance")["userId"])["message"]
    assert message.startswith("Fetching Foundry 13 if it is not there yet")


def test_a_start_whose_release_was_not_fetched_in_time_says_so(created, invoke, ecs):
    invoke(sample("start-instance"))
    task = ecs.only_task()
    ended = ecs.ended(task, 69)
    ended["detail"]["containers"] = [{"name": "prepare", "exitCode": 69}]
    invoke(ended)
    found = invoke("status", userId=sample("create-instance")["userId"])
    assert found["status"] == "stopped"
    assert "could not be fetched in time" in found["message"]


def test_a_fetch_that_aws_did_not_start_is_asked_for_again_by_the_next_start(
    created, invoke, fetching, ecs, freezer
):
    freezer.move_to("2026-03-01T20:00:00Z")
    AWS.begin((Call("ecs.RunTask", 0), BEFORE))
    invoke(sample("start-instance"))
    AWS.begin()
    freezer.tick(120)
    invoke(sample("start-instance"))
    assert len(fetching()) == 1
    assert len(ecs.tasks()) == 1
