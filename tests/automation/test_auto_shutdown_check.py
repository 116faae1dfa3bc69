"""auto-shutdown-check repairs what an event missed, and reads only what is due."""

from __future__ import annotations

import boto3
import pytest

from tests import world
from tests.aws_calls import AWS
from tests.recount import disagreements
from tests.world import sample

pytestmark = pytest.mark.slow

USER = sample("create-instance")["userId"]
TICK = sample("auto-shutdown-check")


@pytest.fixture
def starting(invoke, freezer, once):
    freezer.move_to("2026-03-01T20:00:00Z")

    def start():
        invoke(sample("create-instance"))
        invoke(sample("start-instance"))

    once(start)


def status(invoke):
    return invoke("status", userId=USER)["status"]


def test_a_missed_start_is_noticed(starting, invoke, ecs, freezer):
    ecs.up(ecs.only_task())
    freezer.tick(300)
    assert invoke(TICK)["instancesChecked"] == 1
    assert status(invoke) == "running"


def test_a_start_is_looked_at_after_two_minutes_and_not_before(starting, invoke, ecs, freezer):
    freezer.tick(119)
    assert invoke(TICK)["instancesChecked"] == 0
    freezer.tick(1)
    assert invoke(TICK)["instancesChecked"] == 1


def test_a_missed_stop_is_noticed_and_billed_to_ecss_second(starting, invoke, ecs, freezer):
    ecs.comes_up(ecs.only_task())
    freezer.tick(1000)
    ecs.ended(ecs.only_task(), exit_code=1)
    freezer.tick(300)
    assert invoke(TICK)["instancesStopped"] == 1
    assert status(invoke) == "stopped"
    (run,) = world.items("runs")
    assert run["seconds"] == 1000


def test_a_task_that_ecs_has_forgotten_is_billed_up_to_when_it_was_last_seen(
    starting, invoke, ecs, freezer
):
    task = ecs.only_task()
    ecs.comes_up(task)
    freezer.tick(600)
    invoke(TICK)
    ecs.forgets(task)
    freezer.tick(7200)
    for _ in range(3):
        assert status(invoke) == "running", "ECS may leave a task out that runs"
        invoke(TICK)
        freezer.tick(300)
    assert status(invoke) == "stopping"
    for _ in range(4):
        invoke(TICK)
        freezer.tick(300)
    assert status(invoke) == "stopped"
    (run,) = world.items("runs")
    assert run["seconds"] == 600


def test_what_a_forgotten_task_went_on_for_is_billed_when_ecs_tells_of_its_end(
    starting, invoke, ecs, freezer
):
    task = ecs.only_task()
    ecs.comes_up(task)
    freezer.tick(600)
    invoke(TICK)
    event = ecs.ended(task)
    ecs.forgets(task)
    freezer.tick(7200)
    for _ in range(7):
        invoke(TICK)
        freezer.tick(300)
    event["detail"]["stoppedAt"] = "2026-03-01T20:20:00Z"
    for _ in range(2):
        invoke(event)
        (run,) = world.items("runs")
        assert run["seconds"] == 1200
        assert disagreements(world.items) == {}


def test_a_lost_stop_is_carried_out(starting, invoke, ecs, freezer):
    ecs.comes_up(ecs.only_task())
    invoke(sample("stop-instance"))
    AWS.queue.clear()
    freezer.tick(120)
    invoke(TICK)
    assert ecs.tasks() == []
    freezer.tick(300)
    invoke(TICK)
    assert status(invoke) == "stopped"


def test_a_server_that_had_not_come_up_after_a_quarter_of_an_hour_is_stopped_when_that_is_certain(
    starting, invoke, ecs, freezer
):
    ecs.becomes(ecs.only_task(), "PENDING")
    freezer.tick(1200)  # what ECS shows may be five minutes old
    invoke(TICK)
    assert status(invoke) == "starting"
    freezer.tick(100)
    invoke(TICK)
    assert status(invoke) == "stopping"
    ecs.ends(ecs.only_task())
    assert invoke("shutdown-stats", userId="admin")["byCause"] == {"failure": 1}


def test_what_is_at_rest_or_not_yet_due_is_not_read(invoke, ecs, freezer):
    freezer.move_to("2026-03-01T20:00:00Z")
    for number in range(5):
        invoke(sample("create-instance", userId=str(number)))
    invoke("start-instance", userId="0")
    AWS.begin()
    assert invoke(TICK)["instancesChecked"] == 0
    # The due, strays, ends, what is left of destroyed servers, and licences that their owners take back.
    assert [call.name for call in AWS.calls] == ["dynamodb.Query"] * 6


def test_one_failing_instance_does_not_stop_the_others(invoke, ecs, freezer):
    freezer.move_to("2026-03-01T20:00:00Z")
    for number in range(3):
        invoke(sample("create-instance", userId=str(number), username=f"user{number}"))
        invoke("start-instance", userId=str(number))
    for task in ecs.tasks():
        ecs.up(task)
    spoiled = next(item for item in world.items("instances") if item["userId"] == "1")
    boto3.resource("dynamodb").Table(world.table_of("runs")).delete_item(
        Key={"runId": spoiled["runId"]}
    )
    broken = world.client("ecs").describe_tasks(cluster=ecs.cluster, tasks=[spoiled["taskArn"]])
    ecs.becomes(broken["tasks"][0]["taskArn"], "RUNNING")
    freezer.tick(300)
    answer = invoke(TICK)
    assert answer["instancesChecked"] == 3
    assert invoke("status", userId="0")["status"] == "running"
    assert invoke("status", userId="2")["status"] == "running"


def test_a_half_made_server_that_nobody_completes_is_undone(invoke, aws, freezer):
    freezer.move_to("2026-03-01T20:00:00Z")
    from tests.aws_calls import BEFORE, Call

    AWS.begin((Call("ecs.RegisterTaskDefinition", 0), BEFORE))
    answer = invoke(sample("create-instance"))
    assert answer["errorCode"] == "TIMEOUT_ERROR"
    AWS.end()
    freezer.tick(900)
    invoke(TICK)
    assert world.items("instances") == []
    assert world.buckets() == []
