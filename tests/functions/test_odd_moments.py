"""Functions at odd moments: registries that refuse, limits reached bit by bit, AWS that fails in between."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests import world
from tests.aws_calls import AWS, BEFORE, Call
from tests.functions.member import ALICE, Member
from tests.http.issuing import own
from tests.http.shapes import ask
from tests.world import client, sample

pytestmark = pytest.mark.slow

TICK = sample("auto-shutdown-check")
TOO_OFTEN = (
    "CannotPullContainerError: pull image manifest has been retried 5 time(s): httpReadSeeker: failed open:"
    " unexpected status code https://registry-1.docker.io/v2/library/nginx/manifests/alpine: 429 Too Many Requests"
    " - Server message: toomanyrequests: You have reached your unauthenticated pull rate limit."
)
NO_SECRET = "ResourceInitializationError: unable to pull secrets or registry auth: it failed"


@pytest.mark.parametrize(
    ("said", "shown"), [(TOO_OFTEN, "it is tried again"), (NO_SECRET, "the operator can see why")]
)
def test_what_passes_or_is_nobodys_fault_is_not_given_up(http, fargate, said, shown):
    ALICE.create()
    for _ in range(8):
        (arn,) = fargate.start_tasks()
        fargate.fail_to_start(arn, said)
    found = ALICE.get()
    assert found["status"] == "Pending"
    assert shown in found["reason"]
    fargate.settle()
    assert ALICE.get()["status"] == "Running"


@pytest.mark.parametrize("image", ["ghcr.io/me/maintenance-bot:1", "capacity/retire:429"])
def test_an_image_that_is_not_there_is_given_up_whatever_it_is_called(http, fargate, image):
    ALICE.create(image=image)
    for _ in range(5):
        fargate.cannot_pull(*fargate.start_tasks())
    assert fargate.start_tasks() == []
    assert ALICE.get()["status"] == "Failed"


def test_a_pull_that_takes_long_and_fails_is_given_up_too(http, fargate, freezer):
    ALICE.create()
    for _ in range(5):
        (arn,) = fargate.start_tasks()
        fargate.deliver(fargate.becomes(arn, "PENDING", pull_started_at=datetime.now(UTC)))
        freezer.tick(360)
        fargate.cannot_pull(arn)
    assert fargate.start_tasks() == []


def test_where_functions_are_no_longer_allowed_only_less_can_be_asked_for(
    http, fargate, monkeypatch
):
    ALICE.create(replicas=1)
    monkeypatch.setenv("FUNCTION_NETWORK", "none")
    world.new_process()
    assert ALICE.call("PATCH", "/dice", {"replicas": 2}).status == 403
    assert ALICE.call("PATCH", "/dice", {"image": "nginx:2"}).status == 403
    assert ALICE.call("PATCH", "/dice", {"replicas": 0}).status == 200
    ALICE.delete()


def test_less_can_be_asked_for_when_the_budget_is_spent(http, fargate, freezer, monkeypatch):
    monkeypatch.setenv("BUDGET_PER_USER", "1")
    freezer.move_to("2026-11-02T00:00:00Z")
    ALICE.create(replicas=3)
    fargate.settle()
    freezer.move_to("2026-11-05T12:00:00Z")
    assert ALICE.call("PATCH", "/dice", {"replicas": 4}).status == 409
    assert ALICE.call("PATCH", "/dice", {"image": "nginx:2"}).status == 409
    assert ALICE.call("PATCH", "/dice", {"replicas": 1}).status == 200


def test_a_change_to_what_is_so_already_replaces_nothing(http, fargate):
    asked: dict[str, Any] = {"image": "nginx:alpine", "env": {"A": "1"}, "replicas": 1}
    ALICE.create(**asked)
    fargate.settle()
    before, shown = fargate.tasks(), ALICE.get()
    assert ALICE.change(**asked) == shown
    fargate.settle()
    assert fargate.tasks() == before


def test_a_page_behind_another_functions_invocation_is_refused(http, fargate):
    """DynamoDB takes no position outside of the range that is read."""
    ALICE.create(replicas=0)
    for _ in range(3):
        ALICE.call("POST", "/dice:invoke")
    position = ALICE.call("GET", "/dice/invocations", query="limit=1").headers["x-next"]
    ALICE.delete()
    ALICE.create(replicas=0)
    ALICE.call("POST", "/dice:invoke")
    assert ALICE.call("GET", "/dice/invocations", query=f"limit=1&next={position}").status == 400


def test_secret_variables_count_with_those_that_were_sent_before(http, fargate):
    ALICE.create(replicas=0, env={"A0_TOKEN": "x"})
    statuses, names = [], ["A0_TOKEN"]
    for number in range(1, 6):
        env = dict.fromkeys(names, "***") | {f"A{number}_TOKEN": "y" * 4000}
        answer = ALICE.call("PATCH", "/dice", {"env": env})
        statuses.append(answer.status)
        if answer.status == 200:
            names.append(f"A{number}_TOKEN")
    assert statuses == [200, 200, 200, 200, 400]


def test_servers_are_looked_after_though_tasks_of_functions_cannot_be_listed(
    http, fargate, invoke, freezer
):
    ALICE.create()
    freezer.tick(200)
    AWS.begin((Call("ecs.ListTasks", 0), BEFORE))
    answer = invoke(TICK)
    AWS.end()
    assert (answer["success"], answer["failures"]) == (True, 1)


@pytest.mark.parametrize("tag", ["foundry:13", "foundry@sha256:" + "0a" * 32])
def test_an_image_of_a_private_repository_is_refused_since_the_role_may_fetch_the_operators(
    http, tag
):
    image = f"{world.ACCOUNT}.dkr.ecr.{world.REGION}.amazonaws.com/{tag}"
    assert ALICE.call("POST", body={"name": "dice", "image": image}).status == 403
    ALICE.create(image="public.ecr.aws/docker/library/busybox:1")


def test_the_longest_names_fit_into_what_ecs_takes(http, fargate):
    member = Member("a" + "." * 63)
    member.create("d" * 40)
    (name,) = fargate.services()
    family = fargate.service(name)["taskDefinition"].rpartition("/")[2].partition(":")[0]
    longest_stack = "s" * 40
    assert len(name) <= 255
    assert len(family.replace(world.STACK, longest_stack)) <= 255


def test_an_invocation_whose_input_cannot_be_kept_was_never_begun(http, fargate):
    ALICE.create(replicas=0)
    AWS.begin((Call("s3.PutObject", 0), BEFORE))
    assert ALICE.call("POST", "/dice:invoke", {"input": "x" * 20_000}).status >= 500
    AWS.end()
    assert ALICE.call("GET", "/dice/invocations").json == []
    (tenant,) = [item for item in world.items("functions") if item["entry"] == "tenant"]
    assert tenant["replicas"] == 0


def test_a_function_with_many_logs_is_deleted_in_several_goes(http, fargate, invoke, freezer):
    made = ALICE.create(replicas=0)
    for number in range(120):
        client("logs").create_log_stream(
            logGroupName=f"/ecs/{world.STACK}", logStreamName=f"fn-{made['id'][-12:]}/main/{number}"
        )
    AWS.begin()
    ALICE.delete()
    assert [call.name for call in AWS.calls].count("logs.DeleteLogStream") <= 50
    AWS.end()
    for _ in range(4):
        freezer.tick(300)
        assert invoke(TICK)["failures"] == 0
    left = client("logs").describe_log_streams(logGroupName=f"/ecs/{world.STACK}")["logStreams"]
    assert left == []


def test_the_description_names_what_a_body_may_be_refused_for(http):
    said = ask("GET", "/openapi.json", token=own("alice")).json
    assert {"408", "415"} <= said["paths"]["/v1/functions"]["post"]["responses"].keys()
