"""A game master at the setup screen is no player: the load balancer's count of requests shows the work."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.instances.idling import USED_REQUESTS, USED_SECONDS, last_use
from tests import world
from tests.aws_calls import AWS, BEFORE, Call
from tests.foundry_server import NO_WORLD, NOBODY_PLAYS, playing
from tests.world import sample

pytestmark = pytest.mark.slow

USER, HOST = sample("create-instance")["userId"], "ada.play.example"
TICK, MINUTE = sample("auto-shutdown-check"), sample("prepare-sessions")
ASKED = "cloudwatch.GetMetricStatistics"


@pytest.fixture
def at_setup(invoke, ecs, foundry, freezer, once):
    """A server that runs and shows its setup screen."""
    freezer.move_to("2026-03-01T20:00:00Z")

    def run():
        foundry.says[HOST] = NO_WORLD
        invoke(sample("create-instance"))
        invoke(sample("start-instance"))
        ecs.comes_up(ecs.only_task())

    once(run)
    foundry.says[HOST] = NO_WORLD


@pytest.fixture
def minutes(at_setup, invoke, freezer):
    """Time passes; in each fifth minute so many requests come besides the platform's own."""

    def pass_by(count, requests=0, group=""):
        for _ in range(count // 5):
            freezer.tick(300)
            counted(requests + 1, group)
            assert invoke(TICK)["failures"] == 0

    return pass_by


def counted(requests, group=""):
    """The load balancer has counted requests in this minute, and CloudWatch has heard of it."""
    (found,) = world.client("elbv2").describe_target_groups()["TargetGroups"]
    (balancer,) = world.client("elbv2").describe_load_balancers()["LoadBalancers"]
    group = group or found["TargetGroupArn"].rpartition(":")[2]
    dimensions = [
        {"Name": "LoadBalancer", "Value": balancer["LoadBalancerArn"].split(":loadbalancer/")[1]},
        {"Name": "TargetGroup", "Value": group},
    ]
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    data = {"MetricName": "RequestCount", "Timestamp": now, "Value": float(requests)}
    world.client("cloudwatch").put_metric_data(
        Namespace="AWS/ApplicationELB", MetricData=[data | {"Dimensions": dimensions}]
    )


def status(invoke):
    return invoke("status", userId=USER)["status"]


def stops():
    kinds = [o["kind"] for o in AWS.queue if o["action"] == "send-notification"]
    return [kind for kind in kinds if kind in ("about-to-stop", "stopped")]


def test_who_works_at_the_setup_screen_is_not_stopped(minutes, invoke):
    minutes(120, requests=10)
    assert (status(invoke), stops()) == ("running", [])


def test_half_an_hour_after_the_last_work_it_is_idle(minutes, invoke):
    minutes(60, requests=10)
    minutes(25)
    assert (status(invoke), stops()) == ("running", ["about-to-stop"])
    minutes(15)
    assert (status(invoke), stops()) == ("stopping", ["about-to-stop", "stopped"])


def test_work_after_the_notice_postpones_the_stop(minutes, invoke):
    minutes(25)
    assert stops() == ["about-to-stop"]
    minutes(5, requests=10)
    minutes(15)
    assert status(invoke) == "running"


def test_work_goes_on_after_a_session_until_its_overrun_is_over(at_setup, minutes, invoke):
    now = int(time.time())
    booked = invoke("schedule-session", userId=USER, startTime=now + 900, duration=60)
    assert booked["success"]
    minutes(105, requests=10)
    assert (status(invoke), stops()) == ("running", [])
    minutes(25)
    assert (status(invoke), stops()) == ("stopping", ["about-to-stop", "stopped"])


@pytest.mark.parametrize("requests", [0, 2])
def test_neither_the_platforms_own_questions_nor_a_forgotten_tab_are_work(
    minutes, invoke, requests
):
    minutes(40, requests=requests)
    assert status(invoke) == "stopping"


def test_work_on_other_servers_is_no_work_on_this_one(minutes, invoke):
    minutes(40, requests=100, group="targetgroup/fvtt-another/0123456789abcdef")
    assert status(invoke) == "stopping"


def test_however_much_is_asked_it_stops_when_its_time_is_up(minutes, invoke):
    minutes(6 * 60 - 5, requests=1000)
    assert status(invoke) == "running"
    minutes(10, requests=1000)
    assert status(invoke) == "stopping"


def test_in_a_world_foundry_knows_who_plays(minutes, invoke, foundry):
    foundry.says[HOST] = NOBODY_PLAYS
    AWS.begin()
    minutes(40, requests=100)
    assert status(invoke) == "stopping"
    assert Call(ASKED, 0) not in AWS.calls


def test_cloudwatch_is_asked_only_when_it_can_decide_something(minutes, invoke, foundry):
    AWS.begin()
    minutes(15)
    foundry.says[HOST] = playing(2)
    minutes(30)
    assert Call(ASKED, 0) not in AWS.calls
    foundry.says[HOST] = NO_WORLD
    minutes(20)
    assert Call(ASKED, 0) not in AWS.calls
    minutes(20)
    assert status(invoke) == "stopping"
    assert len([call for call in AWS.calls if call.name == ASKED]) <= 4


def test_nobody_is_stopped_as_idle_while_that_is_not_known(minutes, invoke, freezer):
    minutes(15)
    for _ in range(6):
        AWS.begin((Call(ASKED, 0), BEFORE))
        minutes(5)
    AWS.end()
    assert (status(invoke), stops()) == ("running", [])
    minutes(15)
    assert (status(invoke), stops()) == ("stopping", ["about-to-stop", "stopped"])


def test_who_waits_at_the_tables_page_is_not_taken_for_work(at_setup, invoke, foundry, freezer):
    invoke(MINUTE)
    foundry.asked.clear()
    for _ in range(5):
        freezer.tick(60)
        invoke(MINUTE)
    invoke(TICK)
    assert len(foundry.asked) < USED_REQUESTS


counts = st.dictionaries(st.integers(0, 40).map(lambda n: n * 60), st.integers(0, 30), max_size=41)


@given(counts=counts)
def test_work_ends_with_the_last_minutes_in_which_enough_was_asked(counts):
    found = last_use(counts)
    ends = range(60, 46 * 60, 60)
    busy = [
        end
        for end in ends
        if sum(n for at, n in counts.items() if end - USED_SECONDS <= at < end) >= USED_REQUESTS
        and (end - 60) in counts
    ]
    assert found == (max(busy) if busy else None)
