"""The tests' AWS itself: as strict as the real one, and no worse than it admits to be."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests import world
from tests.lagging.lag import AILMENTS, ECS_SECONDS, GAPS, IN_A_ROW, LAG, NO_ROOM, STALE
from tests.world import client, cluster

pytestmark = pytest.mark.slow

LOOKS, EVERY = 400, 20  # seconds between two looks


@pytest.fixture
def run_task(aws):
    def run(token="a-run", **more):
        asked = {
            "cluster": cluster(aws),
            "taskDefinition": f"{world.STACK}_purge",
            "launchType": "FARGATE",
            "networkConfiguration": {
                "awsvpcConfiguration": {
                    "subnets": aws["TASK_SUBNETS"].split(","),
                    "securityGroups": [aws["TASK_SECURITY_GROUP"]],
                }
            },
            "startedBy": token,
        }
        (task,) = client("ecs").run_task(clientToken=token, **asked, **more)["tasks"]
        return task["taskArn"]

    return run


def listed(aws, **filters):
    return client("ecs").list_tasks(cluster=cluster(aws), **filters)["taskArns"]


def test_a_run_that_is_asked_for_again_is_the_same_task(run_task, ecs):
    assert run_task() == run_task()
    assert len(ecs.tasks()) == 1
    assert run_task("another") != run_task()


def test_a_token_that_is_used_for_something_else_is_refused_and_names_the_task(run_task):
    arn = run_task()
    with pytest.raises(ClientError) as refused:
        run_task(group="another")
    assert refused.value.response["Error"]["Code"] == "ConflictException"
    response: Any = refused.value.response  # its type knows nothing of what single services add
    assert response["resourceIds"] == [arn]


@pytest.mark.parametrize(("seconds", "same"), [(3600, True), (3601, False)])
def test_a_token_lives_an_hour_longer_than_its_task(seconds, same, run_task, ecs, freezer):
    freezer.move_to("2026-03-01T20:00:00Z")
    arn = run_task()
    ecs.ended(arn)
    freezer.tick(seconds)
    assert (run_task() == arn) == same


def test_a_token_lives_for_a_day_at_most(run_task, freezer):
    arn = run_task()
    freezer.tick(24 * 3600 + 1)
    assert run_task() != arn


def test_tasks_are_listed_by_who_started_them_and_nothing_else(run_task, aws, ecs):
    arn = run_task()
    assert listed(aws, startedBy="a-run") == [arn]
    with pytest.raises(ClientError, match="only filter"):
        listed(aws, startedBy="a-run", desiredStatus="STOPPED")
    ecs.ended(arn)
    assert listed(aws, startedBy="a-run") == []


def test_a_task_that_ecs_does_not_know_is_missing(aws, run_task):
    arns = [run_task(), "arn:aws:ecs:us-east-1:123456789012:task/foundry-test/unknown"]
    answer = client("ecs").describe_tasks(cluster=cluster(aws), tasks=arns)
    assert answer["failures"] == [{"arn": arns[1], "reason": "MISSING"}]


def test_what_a_test_looks_up_is_true(aws, run_task):
    arn = run_task()
    LAG.begin(1, *AILMENTS)
    for _ in range(LOOKS):
        assert listed(aws, startedBy="a-run") == [arn]


def is_described(aws, arn):
    return bool(client("ecs").describe_tasks(cluster=cluster(aws), tasks=[arn])["tasks"])


def is_listed(aws, arn):
    stopped = listed(aws, desiredStatus="STOPPED")
    return arn in [*listed(aws, desiredStatus="RUNNING"), *stopped]


@pytest.mark.slow
@pytest.mark.parametrize("is_shown", [is_described, is_listed])
@pytest.mark.parametrize("every", [EVERY, ECS_SECONDS + 1])
@pytest.mark.parametrize("seed", range(5))
def test_no_task_is_left_out_for_longer_than_five_minutes(
    seed, every, is_shown, aws, run_task, freezer
):
    arn = run_task()
    LAG.begin(seed, GAPS, STALE)
    unseen, longest, looks = 0, 0, []
    for _ in range(LOOKS):
        freezer.tick(every)
        with LAG.one_invocation():
            looks.append(is_shown(aws, arn))
        unseen = 0 if looks[-1] else unseen + every
        longest = max(longest, unseen)
    assert 0 < longest <= ECS_SECONDS + every
    assert looks.count(False) < LOOKS / 2


@pytest.mark.slow
@pytest.mark.parametrize("every", [150, ECS_SECONDS + 1])
def test_no_task_that_is_stopped_is_left_out_for_longer_than_five_minutes(
    every, aws, run_task, freezer
):
    for seed in range(60):
        LAG.end()
        arn = run_task(f"a{seed}")
        LAG.begin(seed, GAPS, STALE)
        unseen = longest = 0
        for look in range(20):
            freezer.tick(every)
            with LAG.one_invocation():
                if look == 10:
                    client("ecs").stop_task(cluster=cluster(aws), task=arn)
                is_seen = is_listed(aws, arn)
            unseen = 0 if is_seen else unseen + every
            longest = max(longest, unseen)
        assert longest <= ECS_SECONDS + every, seed


@pytest.mark.slow
def test_a_state_is_shown_for_five_minutes_after_it_was_left_and_no_longer(
    aws, run_task, ecs, freezer
):
    arn = run_task()
    ecs.up(arn)
    LAG.begin(1, STALE)
    ecs.ended(arn)
    seen = []
    for _ in range(LOOKS):
        freezer.tick(1)
        with LAG.one_invocation():
            answer = client("ecs").describe_tasks(cluster=cluster(aws), tasks=[arn])
        seen.append(answer["tasks"][0]["lastStatus"])
    assert {"PROVISIONING", "RUNNING", "STOPPED"} == set(seen[:ECS_SECONDS])
    assert set(seen[ECS_SECONDS:]) == {"STOPPED"}


def write(users):
    dynamodb = client("dynamodb")
    for user in users:
        item = {"runId": {"S": user}, "open": {"S": "run"}, "requestedAt": {"N": "1"}}
        dynamodb.put_item(TableName=world.table_of("runs"), Item=item)


def read():
    answer = client("dynamodb").query(
        TableName=world.table_of("runs"),
        IndexName="OpenIndex",
        KeyConditionExpression="#open = :c0",
        ExpressionAttributeNames={"#open": "open"},
        ExpressionAttributeValues={":c0": {"S": "run"}},
    )
    return {item["runId"]["S"] for item in answer["Items"]}


def test_an_index_is_two_seconds_late_and_no_more(aws, freezer):
    users = {"ada", "bob", "eve"}
    LAG.begin(1, STALE, GAPS)
    with LAG.one_invocation():
        write(sorted(users))
        seen = [read() for _ in range(10)]
        assert any(found < users for found in seen)
        freezer.tick(3)
        assert all(read() == users for _ in range(10))
        client("dynamodb").delete_item(
            TableName=world.table_of("runs"), Key={"runId": {"S": "ada"}}
        )
        assert any("ada" in read() for _ in range(10)), "what is gone may still be there"


def test_a_call_is_refused_a_few_times_at_most(aws, run_task):
    LAG.begin(1, NO_ROOM)
    refused, longest = 0, 0
    for number in range(60):
        try:
            with LAG.one_invocation():
                run_task(f"run-{number}")
            refused = 0
        except ClientError:
            refused += 1
        longest = max(longest, refused)
    assert longest == IN_A_ROW
