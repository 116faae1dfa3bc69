"""prepare-sessions: booked sessions start by themselves, once, on their licence."""

from __future__ import annotations

import boto3
import pytest

from tests import world
from tests.aws_calls import AWS
from tests.community import borrower, community, owner
from tests.lagging.lag import LAG
from tests.lagging.strictness import refusal
from tests.model.interrupting import CALLS, Interruption
from tests.world import sample

pytestmark = pytest.mark.slow

NOW = 1772395200  # 2026-03-01T20:00:00Z
HOUR = 3600
TICK = sample("prepare-sessions")


@pytest.fixture
def pool(invoke, freezer, once):
    freezer.move_to("2026-03-01T20:00:00Z")
    once(lambda: community(invoke, owners=["olga"], borrowers=["ben"]))


@pytest.fixture
def booked(pool, invoke):
    answer = invoke("schedule-session", userId="ben", startTime=NOW + HOUR, duration=60)
    return answer["sessionId"]


@pytest.fixture
def minutes(invoke, freezer):
    """Let minutes pass, with a tick in each."""

    def pass_by(count):
        for _ in range(count):
            freezer.tick(60)
            answer = invoke(TICK)
            assert answer["success"]
            assert answer["failures"] == 0
            for order in [o for o in AWS.queue if o["action"] == "finish-stop"]:
                AWS.queue.remove(order)
                invoke(order)

    return pass_by


def session(invoke, user="ben"):
    return invoke("get-scheduled-sessions", userId=user)["sessions"][-1]


def notices():
    return [order["kind"] for order in AWS.queue if order["action"] == "send-notification"]


def test_a_tick_without_anything_due_answers_as_in_the_contract(pool, invoke):
    assert invoke(TICK) == {
        "success": True,
        "sessionsPrepared": 0,
        "instancesStarted": 0,
        "failures": 0,
        "message": "Session preparation completed",
    }


def test_a_session_is_prepared_played_and_completed(booked, invoke, ecs, minutes):
    minutes(54)
    assert ecs.tasks() == []
    minutes(1)
    assert session(invoke)["status"] == "preparing"
    ecs.comes_up(ecs.only_task())
    minutes(1)
    assert session(invoke)["status"] == "running"
    assert notices() == ["session-ready"]
    minutes(64)
    assert session(invoke)["status"] == "completed"
    assert len(world.items("runs")) == 1


@pytest.mark.slow
@pytest.mark.parametrize("call", range(17))
def test_a_rule_that_fires_twice_at_once_starts_nothing_twice(booked, invoke, ecs, freezer, call):
    freezer.tick(HOUR - 299)
    second = Interruption(call, act=lambda: invoke(TICK))  # between two calls of the first
    with CALLS.interrupted(second):
        invoke(TICK)
    assert second.happened
    assert len(ecs.tasks()) == 1
    assert len(world.items("runs")) == 1


def test_a_server_that_already_runs_on_the_licence_is_taken_over(booked, invoke, ecs, minutes):
    invoke("start-instance", userId="ben")
    ecs.comes_up(ecs.only_task())
    minutes(57)
    assert session(invoke)["status"] == "running"
    assert len(world.items("runs")) == 1


@pytest.mark.slow
def test_a_start_that_is_refused_is_tried_again_until_the_session_has_begun_for_ten_minutes(
    booked, invoke, ecs, minutes
):
    minutes(54)
    inactive = ("ecs.RunTask", refusal("ClientException", "It is inactive."))
    LAG.replies += [inactive] * 20
    minutes(20)
    LAG.replies.clear()
    ended = session(invoke)
    assert ended["status"] == "cancelled"
    assert ended["reason"]
    assert "session-failed" in notices()
    assert len(world.items("runs")) > 12
    assert all("stoppedAt" in run for run in world.items("runs"))


def test_a_borrower_without_a_session_is_told_and_then_gives_way(booked, invoke, ecs, minutes):
    borrower(invoke, "cleo")
    assert invoke("start-instance", userId="cleo")["success"]
    cleos = ecs.only_task()
    ecs.comes_up(cleos)
    AWS.queue.clear()
    minutes(41)
    assert notices() == ["about-to-stop"]
    assert invoke("status", userId="cleo")["status"] == "running"
    minutes(10)
    assert notices() == ["about-to-stop", "gave-way"]
    assert invoke("status", userId="cleo")["status"] == "stopping"
    ecs.ends(cleos)
    minutes(5)
    assert session(invoke)["status"] == "preparing"
    assert invoke("status", userId="ben")["status"] == "starting"
    stats = invoke("shutdown-stats", userId="admin")
    assert stats["byCause"] == {"gave-way": 1}
    assert stats["automatic"] == 1


def test_an_owner_takes_the_licence_from_no_session_that_is_prepared_or_played(
    booked, invoke, ecs, minutes
):
    def owner_asks():
        asked = {"userId": "olga", "startTime": NOW + HOUR + 1800, "duration": 60}
        return invoke("schedule-session", **asked)["errorCode"], session(invoke)["status"]

    minutes(55)
    assert owner_asks() == ("RESOURCE_CONFLICT", "preparing")
    ecs.comes_up(ecs.only_task())
    minutes(1)
    assert owner_asks() == ("RESOURCE_CONFLICT", "running")


def test_a_server_on_another_licence_is_started_anew_on_its_sessions(
    booked, invoke, ecs, minutes, freezer
):
    freezer.tick(1)
    owner(invoke, "oskar")  # whose licence nobody has booked
    wanted = session(invoke)["licenseId"]
    invoke("start-instance", userId="ben")
    first = ecs.only_task()
    ecs.comes_up(first)
    minutes(55)
    assert invoke("status", userId="ben")["status"] == "stopping"
    ecs.ends(first)
    assert invoke("shutdown-stats", userId="admin")["byCause"] == {"session": 1}
    minutes(1)
    ecs.comes_up(ecs.only_task())
    minutes(1)
    assert session(invoke)["status"] == "running"
    (running,) = (run for run in world.items("runs") if "stoppedAt" not in run)
    assert running["licenseId"] == wanted


def test_nobody_gets_a_licence_that_is_about_to_be_needed(booked, invoke, freezer):
    borrower(invoke, "cleo")
    freezer.tick(HOUR - 1800)
    refused = invoke("start-instance", userId="cleo")
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert invoke("request-license", userId="cleo")["errorCode"] == "RESOURCE_CONFLICT"
    owner_refused = invoke("start-instance", userId="olga")
    assert "scheduled session" in owner_refused["error"]
    assert "ben" not in str(owner_refused)


def test_a_session_whose_server_was_destroyed_is_cancelled(booked, invoke, minutes):
    invoke("destroy-instance", userId="ben")
    minutes(60)
    assert session(invoke)["status"] == "cancelled"


def test_a_due_session_without_a_server_is_cancelled(booked, invoke, minutes):
    boto3.resource("dynamodb").Table(world.table_of("instances")).delete_item(Key={"userId": "ben"})
    minutes(55)
    ended = session(invoke)
    assert ended["status"] == "cancelled"
    assert "destroyed" in ended["reason"]
    assert world.licenses()[0]["windows"] == []


def test_a_session_that_was_played_expires_once_nothing_counts_from_its_end(
    booked, invoke, ecs, minutes, freezer
):
    minutes(55)
    task = ecs.only_task()
    ecs.comes_up(task)
    minutes(66)
    (played,) = world.items("sessions")
    assert (played["status"], "expiresAt" in played) == ("completed", False)
    ecs.ends(task)
    freezer.tick(HOUR)
    minutes(1)
    (over,) = world.items("sessions")
    assert over["expiresAt"] == over["endTime"] + 90 * 86400
    assert "dueAt" not in over


def test_destroying_leaves_a_session_that_was_played_completed(booked, invoke, ecs, minutes):
    minutes(55)
    task = ecs.only_task()
    ecs.comes_up(task)
    minutes(66)
    assert session(invoke)["status"] == "completed"
    ecs.ends(task)
    invoke("destroy-instance", userId="ben")
    assert session(invoke)["status"] == "completed"


def test_ticks_read_only_what_is_due(booked, invoke, freezer):
    not_due = [book_for_another_day(invoke, number) for number in range(4)]
    # Of sessions, of what comes up, and of what has ended though nobody asked for it.
    assert called_by_a_tick(invoke) == ["dynamodb.Query"] * 3
    freezer.tick(HOUR - 299)
    assert called_by_a_tick(invoke).count("dynamodb.Query") == 3
    read = str(AWS.requests("dynamodb.GetItem"))
    assert booked in read
    assert not [name for names in not_due for name in names if name in read]


def book_for_another_day(invoke, number):
    """Somebody else's session; returns the names by which its items could be read."""
    user, start = f"user{number}", NOW + HOUR + (number + 1) * 86400
    borrower(invoke, user)
    answer = invoke("schedule-session", userId=user, startTime=start, duration=60)
    return user, answer["sessionId"]


def called_by_a_tick(invoke):
    AWS.begin()
    assert invoke(TICK)["failures"] == 0
    return [call.name for call in AWS.calls]
