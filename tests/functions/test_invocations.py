"""An image run once, with an input: asked for, followed, billed."""

from __future__ import annotations

import json

import pytest

from tests import world
from tests.fargate import leftovers
from tests.functions.member import ALICE, BOB
from tests.lagging.lag import LAG
from tests.lagging.strictness import refusal
from tests.world import client

pytestmark = pytest.mark.slow

TICK = {"action": "auto-shutdown-check", "userId": "system"}


@pytest.fixture
def made(http, fargate):
    """A function that runs nothing of itself."""
    ALICE.create("web-server", replicas=0)


def invoke_it(body=None):
    return ALICE.call("POST", "/web-server:invoke", body)


def listed(query=""):
    return ALICE.call("GET", "/web-server/invocations", query=query).json


def environment_of(fargate, arn):
    (override,) = fargate.task(arn)["overrides"]["containerOverrides"]
    assert override["name"] == "main"
    return {each["name"]: each["value"] for each in override["environment"]}


def test_an_invocation_is_answered_in_the_contracts_words(made, fargate, freezer):
    freezer.move_to("2026-11-26T20:00:00Z")
    answer = invoke_it({"input": {"action": "process", "data": "test"}})
    assert (answer.status, answer.json) == (
        200,
        {
            "message": "Function 'web-server' invoked successfully",
            "job_name": "web-server-invoke-1795723200",
        },
    )
    (arn,) = fargate.tasks()
    assert json.loads(environment_of(fargate, arn)["INPUT_JSON"]) == {
        "action": "process",
        "data": "test",
    }


@pytest.mark.parametrize(("body", "given"), [(None, {}), ({}, {}), ({"input": [1, "ä"]}, [1, "ä"])])
def test_an_input_may_be_any_json_or_none(made, fargate, body, given):
    assert invoke_it(body).status == 200
    (arn,) = fargate.tasks()
    assert json.loads(environment_of(fargate, arn)["INPUT_JSON"]) == given


def test_a_long_input_is_had_at_an_address_that_only_the_task_knows(made, fargate):
    given = {"map": "ü" * 20_000}
    assert invoke_it({"input": given}).status == 200
    (arn,) = fargate.tasks()
    address = environment_of(fargate, arn)["INPUT_URL"]
    assert "X-Amz-Signature" in address
    key = f"inputs/{fargate.task(arn)['startedBy']}.json"
    bucket = f"functions-{world.MARK}-{world.ACCOUNT}"
    stored = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    assert json.loads(stored) == given


def test_an_invocation_is_followed_from_pending_to_its_exit_code_and_cost(made, fargate, freezer):
    freezer.move_to("2026-11-26T20:00:00Z")
    invoke_it()
    assert listed() == [
        {
            "job_name": "web-server-invoke-1795723200",
            "status": "pending",
            "requested_at": "2026-11-26T20:00:00Z",
        }
    ]
    (arn,) = fargate.tasks()
    freezer.tick(20)
    fargate.come_up(arn)
    assert listed()[0]["status"] == "running"
    freezer.tick(100)
    fargate.exit(arn, 0)
    (job,) = listed()
    assert job | {"cost": None} == {
        "job_name": "web-server-invoke-1795723200",
        "status": "completed",
        "requested_at": "2026-11-26T20:00:00Z",
        "started_at": "2026-11-26T20:00:20Z",
        "finished_at": "2026-11-26T20:02:00Z",
        "exit_code": 0,
        "cost": None,
    }
    assert job["cost"] == pytest.approx(0.000406, abs=1e-5)


def test_an_invocation_that_fails_says_why(made, fargate):
    invoke_it()
    (arn,) = fargate.tasks()
    fargate.crash(arn, exit_code=2)
    (job,) = listed()
    assert (job["status"], job["exit_code"]) == ("failed", 2)
    assert job["reason"] == "Its container ended by itself: exit code 2."


def test_two_invocations_in_one_second_are_two(made, fargate, freezer):
    freezer.move_to("2026-11-26T20:00:00Z")
    names = {invoke_it().json["job_name"] for _ in range(3)}
    assert len(names) == 3
    assert len(listed()) == 3
    assert len(fargate.tasks()) == 3


def test_invocations_come_in_pages_the_latest_first(made, fargate, freezer):
    for _ in range(5):
        invoke_it()
        freezer.tick(1)
    first = ALICE.call("GET", "/web-server/invocations", query="limit=2")
    rest = ALICE.call(
        "GET", "/web-server/invocations", query=f"limit=3&next={first.headers['x-next']}"
    )
    names = [job["job_name"] for job in [*first.json, *rest.json]]
    assert names == sorted(names, reverse=True)
    assert len(set(names)) == 5
    assert "x-next" not in rest.headers


def test_an_invocation_that_no_event_told_of_is_found_by_the_tick(made, fargate, invoke, freezer):
    invoke_it()
    (arn,) = fargate.tasks()
    with fargate.holding_back():
        fargate.come_up(arn)
        freezer.tick(60)
        fargate.exit(arn, 0)
    freezer.tick(300)
    assert invoke(TICK)["failures"] == 0
    assert listed()[0]["status"] == "completed"
    costs = invoke({"action": "get-user-costs", "userId": "alice"})
    assert [(run["kind"], run["seconds"]) for run in costs["runs"]] == [("job", 60)]


def test_invocations_use_the_quota_while_they_are_under_way(made, fargate, monkeypatch):
    monkeypatch.setenv("FUNCTION_QUOTA", "10,2,4,8")
    world.new_process()
    assert [invoke_it().status for _ in range(3)] == [200, 200, 403]
    fargate.exit(fargate.tasks()[0])
    assert invoke_it().status == 200


def test_a_deleted_functions_invocations_are_stopped_and_leave_nothing(
    made, fargate, invoke, freezer
):
    invoke_it()
    (arn,) = fargate.tasks()
    fargate.come_up(arn)
    ALICE.delete("web-server")
    for _ in range(3):
        fargate.settle()
        freezer.tick(120)
        assert invoke(TICK)["failures"] == 0
    assert fargate.tasks() == []
    assert leftovers() == []
    assert [job["status"] for job in world.items("functions") if "runId" in job] == ["failed"]


def test_an_invocation_takes_six_hours_at_most(made, fargate, invoke, freezer):
    invoke_it()
    (arn,) = fargate.tasks()
    fargate.come_up(arn)
    for _ in range(7 * 12):
        freezer.tick(300)
        invoke(TICK)
    fargate.settle()
    (job,) = listed()
    assert (job["status"], job["reason"]) == ("failed", "It took longer than 6 hours.")


def test_nobody_invokes_another_members_function(made, fargate):
    assert BOB.call("POST", "/web-server:invoke", {"input": {}}).status == 404
    assert BOB.call("GET", "/web-server/invocations").status == 404
    assert fargate.tasks() == []


def test_a_function_that_ecs_has_no_room_for_is_said_to_be_so_and_bills_nothing(made, fargate):
    busy = refusal("ClientException", "Capacity is unavailable at this time.")
    LAG.replies.append(("ecs.RunTask", busy))
    with LAG.one_invocation():
        answer = invoke_it()
    assert answer.status == 409
    assert "AWS has no machine free just now" in answer.json["message"]
    (job,) = listed()
    assert (job["status"], job["reason"]) == ("failed", "AWS has no machine free just now.")
    assert [run["seconds"] for run in world.items("runs")] == [0]
    (tenant,) = [item for item in world.items("functions") if item["entry"] == "tenant"]
    assert tenant["replicas"] == 0
