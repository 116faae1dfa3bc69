"""Several things happen to a function at once, or one fails half-way: what is then said of it is true."""

from __future__ import annotations

import json

import pytest

from tests import world
from tests.aws_calls import AFTER, BEFORE
from tests.fargate import leftovers
from tests.functions.member import ALICE
from tests.lagging.lag import LAG
from tests.lagging.strictness import Said, refusal
from tests.recount import disagreements
from tests.world import client

pytestmark = pytest.mark.slow

TICK = {"action": "auto-shutdown-check", "userId": "system"}
DELETE = {"action": "function-delete", "userId": "alice", "name": "dice"}
CHANGE = DELETE | {"action": "function-update"}
LOST = "Its secret values did not arrive"


@pytest.fixture
def ticks(invoke, fargate, freezer):
    """Time passes until nothing changes any more."""

    def pass_(times=4):
        for _ in range(times):
            fargate.settle()
            freezer.tick(310)
            assert invoke(TICK)["failures"] == 0

    return pass_


@pytest.fixture
def half_made(http, fargate, meanwhile):
    """A function of which there is a record and nothing else."""
    with meanwhile("RegisterTaskDefinition", mode=BEFORE):
        ALICE.create()


def secret_values():
    (secret,) = [
        s for s in client("secretsmanager").list_secrets()["SecretList"] if "/fn-" in s["Name"]
    ]
    return json.loads(
        client("secretsmanager").get_secret_value(SecretId=secret["ARN"])["SecretString"]
    )


def runs():
    return {run["runId"]: run for run in world.items("runs")}


def billed():
    """The seconds of the runs that are over."""
    return [run["seconds"] for run in runs().values() if "seconds" in run]


# --- deleted meanwhile ------------------------------------------------------------------------------


def test_a_function_that_is_made_while_it_is_deleted_leaves_nothing(
    half_made, fargate, meanwhile, invoke, freezer, ticks
):
    freezer.tick(60)
    with meanwhile("TransactWriteItems", lambda: invoke(TICK)):
        ALICE.delete()
    assert fargate.services("INACTIVE")
    ticks()
    assert leftovers() == []
    assert disagreements(world.items) == {}


def test_a_function_that_is_deleted_while_it_is_invoked_is_not_found_and_runs_nothing(
    http, fargate, meanwhile, invoke
):
    ALICE.create("other", replicas=0)
    ALICE.create(replicas=0)
    with meanwhile("TransactWriteItems", lambda: invoke(DELETE)):
        answer = ALICE.call("POST", "/dice:invoke")
    assert answer.status == 404
    assert fargate.tasks() == []
    assert not [item for item in world.items("functions") if "jobName" in item]
    assert disagreements(world.items) == {}


def test_a_function_that_is_deleted_while_its_secrets_are_changed_is_not_found(
    http, fargate, meanwhile, invoke
):
    ALICE.create()
    with meanwhile("UpdateItem", lambda: invoke(DELETE)):
        answer = ALICE.call("PATCH", "/dice", {"env": {"TOKEN": "a-secret"}})
    assert answer.status == 404


def test_what_no_event_told_of_and_ecs_showed_late_is_billed_though_it_was_deleted(
    http, fargate, invoke, freezer, ticks
):
    with fargate.holding_back():
        ALICE.create()
        fargate.settle()
        (arn,) = fargate.tasks()
        freezer.tick(100)
        ALICE.delete()
        fargate.settle()
        LAG.hidden.add(arn)
        ticks(1)
        LAG.hidden.clear()
        ticks()
    assert [run["seconds"] for run in runs().values()] == [100]
    assert leftovers() == []


def test_a_task_that_ecs_lists_and_does_not_describe_is_waited_for(
    http, fargate, invoke, freezer, ticks, meanwhile
):
    """So is an invocation whose launch was not answered."""
    ALICE.create(replicas=0)
    with meanwhile("RunTask", mode=AFTER):
        assert ALICE.call("POST", "/dice:invoke").status == 504
    (arn,) = fargate.tasks()
    with fargate.holding_back():
        fargate.come_up(arn)
        for _ in range(3):
            freezer.tick(310)
            LAG.replies.append(("ecs.DescribeTasks", (Said(200), {"tasks": [], "failures": []})))
            invoke(TICK)
        assert [job["status"] for job in ALICE.call("GET", "/dice/invocations").json] == ["pending"]
        fargate.exit(arn)
        ticks(1)
    assert [job["status"] for job in ALICE.call("GET", "/dice/invocations").json] == ["completed"]


def test_what_came_to_rest_is_looked_at_until_ecs_has_had_the_time_to_show_all(
    http, fargate, invoke, freezer, ticks
):
    with fargate.holding_back():
        ALICE.create()
        fargate.settle()
        freezer.tick(50)
        ALICE.change(replicas=0)
        fargate.settle()
        freezer.tick(400)
        LAG.hidden.update(fargate.tasks("STOPPED"))
        ticks(1)
        LAG.hidden.clear()
        ticks()
    assert [run["seconds"] for run in runs().values()] == [50]
    (function,) = [item for item in world.items("functions") if "name" in item]
    assert not {"due", "quietSince"} & function.keys()


@pytest.fixture(params=["a task of its service", "an invocation"])
def long_unseen(request, http, fargate, freezer):
    """What runs for two hours, in which nobody looked."""
    ALICE.create(replicas=int(request.param == "a task of its service"))
    if request.param == "an invocation":
        assert ALICE.call("POST", "/dice:invoke").status == 200
        fargate.come_up(*fargate.tasks())
    fargate.settle()
    freezer.tick(7200)
    (arn,) = fargate.tasks()
    return arn


def test_a_task_that_one_answer_leaves_out_goes_on_however_long_nobody_looked(
    long_unseen, fargate, ticks
):
    LAG.hidden.add(long_unseen)
    ticks(1)
    LAG.hidden.clear()
    ticks(1)
    fargate.exit(long_unseen)
    assert billed() == [7200 + 2 * 310]


def test_a_task_that_may_have_been_shown_to_a_look_that_failed_is_not_missing_since_before(
    long_unseen, fargate, ticks, invoke, freezer, meanwhile
):
    LAG.hidden.add(long_unseen)
    ticks(1)
    freezer.tick(310)
    with meanwhile("ListTasks", mode=BEFORE):
        assert invoke(TICK)["failures"]
    ticks(1)
    LAG.hidden.clear()
    ticks(1)
    fargate.exit(long_unseen)
    assert billed() == [7200 + 4 * 310]
    jobs = [item["status"] for item in world.items("functions") if "jobName" in item]
    assert jobs in ([], ["completed"])


def test_a_task_of_which_ecs_shows_nothing_any_more_is_billed_up_to_when_it_was_seen(
    long_unseen, fargate, ticks
):
    ticks(1)
    with fargate.holding_back():
        fargate.exit(long_unseen)
    LAG.hidden.add(long_unseen)
    ticks(16)
    assert billed() == [7200 + 310]


def test_a_task_is_forgotten_though_aws_refuses_what_its_function_was_changed_to(
    http, fargate, freezer, invoke
):
    """Such a function is looked at once an hour: its task is billed all the same, and not said to run for ever."""
    refused = ("ecs.RegisterTaskDefinition", refusal("ClientException", "Invalid image"))
    ALICE.create(replicas=1)
    fargate.settle()
    (arn,) = fargate.tasks()
    LAG.replies.append(refused)
    with LAG.one_invocation():
        ALICE.change(image="nginx:other")
    with fargate.holding_back():
        fargate.exit(arn)  # of which no event tells, and which ECS remembers for an hour
    LAG.hidden.add(arn)
    for _ in range(2 * 12):
        LAG.replies[:] = [refused]
        freezer.tick(300)
        assert invoke(TICK)["failures"] == 0
    LAG.replies.clear()
    assert "stoppedAt" in runs()[arn.split("/")[-1]]
    assert ALICE.get()["status"] != "Running"


@pytest.mark.parametrize("slow", ["ListTasks", "GetItem"])
def test_a_task_that_two_looks_five_minutes_apart_leave_out_goes_on_however_long_a_look_took(
    long_unseen, fargate, freezer, invoke, meanwhile, slow
):
    LAG.hidden.add(long_unseen)
    invoke(TICK)
    freezer.tick(300)
    with meanwhile(slow, lambda: freezer.tick(61), after=1):
        invoke(TICK)
    LAG.hidden.clear()
    jobs = [item["status"] for item in world.items("functions") if "jobName" in item]
    assert jobs in ([], ["running"])
    freezer.tick(300)
    invoke(TICK)
    fargate.exit(long_unseen)
    assert [run["seconds"] for run in runs().values()] == [7200 + 300 + 61 + 300]


@pytest.mark.parametrize("slow", [0, 190, 230])
def test_a_task_is_forgotten_however_long_each_tick_takes(
    long_unseen, fargate, freezer, invoke, slow, meanwhile
):
    with fargate.holding_back():
        fargate.exit(long_unseen)
    LAG.hidden.add(long_unseen)
    for _ in range(20):
        freezer.tick(300 - slow)
        with meanwhile("ListTasks", lambda: freezer.tick(slow)):
            invoke(TICK)
    assert any("stoppedAt" in run for run in runs().values())


def test_an_end_that_is_told_of_at_the_moment_of_giving_up_is_billed(
    long_unseen, fargate, freezer, invoke, ticks, meanwhile
):
    ticks(1)
    with fargate.holding_back() as held:
        freezer.tick(100)
        fargate.exit(long_unseen)
        LAG.hidden.add(long_unseen)
        freezer.tick(210)
        invoke(TICK)
        ticks(11)
        freezer.tick(310)
    assert not any("stoppedAt" in run for run in runs().values())
    (stopped,) = [
        e
        for e in held
        if (e["detail"]["taskArn"], e["detail"]["lastStatus"]) == (long_unseen, "STOPPED")
    ]
    with meanwhile("TransactWriteItems", lambda: invoke(TICK)):
        invoke(stopped)
    (run,) = [run for run in runs().values() if "stoppedAt" in run]
    assert run["seconds"] == 7200 + 310 + 100


def test_a_task_that_runs_on_though_ecs_has_shown_nothing_of_it_for_over_an_hour_is_stopped_and_billed(
    long_unseen, fargate, ticks
):
    """It is beyond what ECS promises."""
    ticks(1)
    LAG.hidden.add(long_unseen)
    ticks(16)
    assert long_unseen not in fargate.tasks()
    assert billed() == [7200 + 14 * 310]


# --- told of late -----------------------------------------------------------------------------------


def test_a_task_that_is_told_of_when_nothing_was_looked_at_any_more_is_billed(
    http, fargate, invoke, freezer, ticks
):
    with fargate.holding_back() as held:
        ALICE.create()
        fargate.settle()
        freezer.tick(50)
        ALICE.change(replicas=0)
        fargate.settle()
        LAG.hidden.update(fargate.tasks("STOPPED"))
        ticks()
        (function,) = [item for item in world.items("functions") if "name" in item]
        assert "due" not in function
        LAG.hidden.clear()
    (came_up,) = [event for event in held if event["detail"]["lastStatus"] == "RUNNING"]
    invoke(came_up)
    ticks(1)
    assert [run["seconds"] for run in runs().values()] == [50]


def test_a_task_costs_what_its_own_size_does_however_late_it_is_told_of(
    http, fargate, invoke, freezer
):
    with fargate.holding_back() as held:
        ALICE.create()
        fargate.settle()
        freezer.tick(50)
        ALICE.change(cpu=1024, memory=2048)
        fargate.settle()
    for event in held:
        invoke(event)
    assert sorted((run["cpu"], run["memory"]) for run in runs().values()) == [
        (256, 512),
        (1024, 2048),
    ]


def test_a_task_that_is_told_of_at_the_moment_of_the_last_look_is_billed(
    http, fargate, invoke, freezer, meanwhile
):
    with fargate.holding_back() as held:
        ALICE.create()
        fargate.settle()
        LAG.hidden.update(fargate.tasks())
        freezer.tick(50)
        ALICE.change(replicas=0)
        fargate.settle()
        for _ in range(2):
            freezer.tick(310)
            invoke(TICK)
        freezer.tick(310)
    (came_up,) = [event for event in held if event["detail"]["lastStatus"] == "RUNNING"]
    with meanwhile("TransactWriteItems", lambda: invoke(TICK)):
        invoke(came_up)
    LAG.hidden.clear()
    for _ in range(4):
        freezer.tick(310)
        invoke(TICK)
    assert [run.get("seconds") for run in runs().values()] == [50]


# --- half done --------------------------------------------------------------------------------------


def test_who_invokes_what_is_not_made_as_it_was_changed_is_told_to_wait(http, fargate, meanwhile):
    ALICE.create(replicas=0)
    with meanwhile("RegisterTaskDefinition", mode=BEFORE):
        ALICE.change(cpu=1024, memory=2048)
    answer = ALICE.call("POST", "/dice:invoke")
    assert answer.status == 409
    assert "is not ready" in answer.json["message"]


def test_an_invocation_whose_task_runs_is_no_failure_because_that_could_not_be_noted(
    http, fargate, meanwhile
):
    ALICE.create(replicas=0)
    with meanwhile("TransactWriteItems", after=1, mode=BEFORE):
        assert ALICE.call("POST", "/dice:invoke").status == 200
    (arn,) = fargate.tasks()
    fargate.come_up(arn)
    assert [job["status"] for job in ALICE.call("GET", "/dice/invocations").json] == ["running"]


def test_secrets_that_are_stored_are_no_failure_because_of_what_the_tick_goes_on_with(
    http, fargate, meanwhile, ticks
):
    ALICE.create()
    with meanwhile("UpdateService", mode=BEFORE):
        changed = ALICE.change(env={"TOKEN": "a-secret"})
    assert "reason" not in changed
    ticks(1)
    assert ALICE.get()["status"] == "Running"


def test_a_security_group_that_ec2_does_not_show_yet_is_no_failure_of_the_tick(
    http, fargate, meanwhile, invoke, freezer
):
    with meanwhile("CreateSecurityGroup", mode=AFTER):
        ALICE.create()
    freezer.tick(60)
    LAG.replies.append(("ec2.DescribeSecurityGroups", (Said(200), {"SecurityGroups": []})))
    assert invoke(TICK)["failures"] == 0
    assert fargate.services() == []
    freezer.tick(60)
    invoke(TICK)
    fargate.settle()
    assert ALICE.get()["status"] == "Running"


# --- secrets that did not arrive --------------------------------------------------------------------


@pytest.fixture
def waiting(http, fargate, meanwhile):
    """A function of which one runs, and whose second secret did not arrive."""
    ALICE.create(env={"OLD_TOKEN": "old"})
    fargate.settle()
    with meanwhile("PutSecretValue", mode=BEFORE):
        answer = ALICE.call("PATCH", "/dice", {"env": {"OLD_TOKEN": "***", "NEW_TOKEN": "new"}})
    assert answer.status == 504
    assert ALICE.get()["reason"].startswith(LOST)


def test_while_secrets_are_missing_as_many_run_as_are_wanted(waiting, fargate):
    ALICE.change(replicas=2)
    fargate.settle()
    assert len(fargate.tasks()) == 2
    ALICE.change(replicas=0)
    fargate.settle()
    assert fargate.tasks() == []


def test_who_wants_no_more_what_did_not_arrive_has_what_there_was(waiting, fargate):
    changed = ALICE.change(env={"OLD_TOKEN": "***"})
    fargate.settle()
    assert "reason" not in changed
    assert ALICE.get()["status"] == "Running"
    assert secret_values() == {"OLD_TOKEN": "old"}


def test_a_secret_that_never_arrived_is_not_taken_for_one_that_is_there(waiting, fargate):
    changed = ALICE.change(env={"OLD_TOKEN": "newer", "NEW_TOKEN": "***"})
    assert changed["reason"].startswith(LOST)
    changed = ALICE.change(env={"OLD_TOKEN": "***", "NEW_TOKEN": "new"})
    assert "reason" not in changed
    assert secret_values() == {"OLD_TOKEN": "newer", "NEW_TOKEN": "new"}


def test_what_was_sent_later_is_what_there_is_whoever_is_quicker(http, fargate, meanwhile, invoke):
    ALICE.create(env={"TOKEN": "first"})
    with meanwhile("UpdateItem", lambda: invoke(CHANGE | {"env": {"TOKEN": "third"}})):
        ALICE.change(env={"TOKEN": "second"})
    assert secret_values() == {"TOKEN": "third"}


def test_what_did_not_arrive_later_is_missing_though_what_was_sent_before_came(
    http, fargate, meanwhile, invoke
):
    def does_not_arrive():
        with meanwhile("PutSecretValue", mode=BEFORE):
            assert not invoke(CHANGE | {"env": {"TOKEN": "third"}})["success"]

    ALICE.create(env={"TOKEN": "first"})
    with meanwhile("UpdateItem", does_not_arrive):
        ALICE.call("PATCH", "/dice", {"env": {"TOKEN": "second"}})
    assert ALICE.get()["reason"].startswith(LOST)
