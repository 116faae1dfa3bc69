"""What nobody uses stops, and its member is told ten minutes before."""

from __future__ import annotations

import pytest

from tests import world
from tests.aws_calls import AWS, BEFORE, Call
from tests.foundry_server import NO_WORLD, NOBODY_PLAYS, playing
from tests.model.interrupting import CALLS, Interruption
from tests.world import sample

pytestmark = pytest.mark.slow

USER = sample("create-instance")["userId"]
HOST = "ada.play.example"
TICK = sample("auto-shutdown-check")
NOW = 1772395200  # 2026-03-01T20:00:00Z


@pytest.fixture
def running(invoke, ecs, foundry, freezer, once):
    freezer.move_to("2026-03-01T20:00:00Z")

    def run():
        invoke(sample("create-instance"))
        invoke(sample("start-instance"))
        ecs.comes_up(ecs.only_task())
        AWS.queue.clear()  # of the notice that it is ready

    once(run)
    foundry.says[HOST] = playing(4)


@pytest.fixture
def minutes(running, invoke, freezer):
    def pass_by(count):
        for _ in range(count // 5):
            freezer.tick(300)
            assert invoke(TICK)["failures"] == 0

    return pass_by


def status(invoke):
    return invoke("status", userId=USER)


def notices():
    """The kinds of notices, each counted once: what is handed over twice under one id is told once."""
    orders = [order for order in AWS.queue if order["action"] == "send-notification"]
    return list({order["noticeId"]: order["kind"] for order in orders}.values())


@pytest.mark.parametrize("said", [NOBODY_PLAYS, NO_WORLD])
def test_a_server_that_nobody_plays_on_stops_after_half_an_hour(minutes, invoke, foundry, said):
    foundry.says[HOST] = said
    minutes(20)
    assert status(invoke)["status"] == "running"
    assert notices() == []
    minutes(5)
    assert notices() == ["about-to-stop"]
    minutes(10)
    assert status(invoke)["status"] == "stopping"
    assert notices() == ["about-to-stop", "stopped"]


@pytest.mark.slow
def test_a_server_that_is_played_on_goes_on_for_six_hours(minutes, invoke):
    minutes(5 * 60)
    assert status(invoke)["status"] == "running"
    minutes(65)
    assert status(invoke)["status"] == "stopping"
    assert "about-to-stop" in notices()


def test_a_player_who_comes_back_postpones_the_stop(minutes, invoke, foundry):
    foundry.says[HOST] = NOBODY_PLAYS
    minutes(25)
    foundry.says[HOST] = playing(1)
    minutes(5)
    foundry.says[HOST] = NOBODY_PLAYS
    minutes(20)
    assert status(invoke)["status"] == "running"


@pytest.mark.slow
@pytest.mark.parametrize(
    "said",
    [
        None,
        "<html>502</html>",
        "[]",
        {"status": "ok"},
        {"active": True, "version": "13.351"},
        {"active": True, "version": "13.351", "users": "0"},
        {"active": "no", "version": "13.351", "users": 0},
        {"active": True, "version": "13.351", "users": False},
    ],
)
def test_an_answer_that_proves_nothing_stops_nothing(minutes, invoke, foundry, said):
    foundry.says[HOST] = said
    minutes(45)
    assert status(invoke)["status"] == "running"
    assert notices() == []


@pytest.mark.parametrize(("silent", "stops"), [(620, True), (640, False)])
def test_what_foundry_said_last_counts_for_two_ticks_of_which_one_is_late(
    minutes, invoke, foundry, freezer, silent, stops
):
    foundry.says[HOST] = NOBODY_PLAYS
    minutes(20)
    foundry.says[HOST] = None
    freezer.tick(silent)
    assert invoke(TICK)["failures"] == 0
    foundry.says[HOST] = NOBODY_PLAYS
    minutes(10)
    assert (status(invoke)["status"] == "stopping") == stops


@pytest.mark.slow
def test_keep_alive_postpones_the_stop_to_twelve_hours_at_most(minutes, invoke, foundry):
    foundry.says[HOST] = NOBODY_PLAYS
    minutes(25)
    answer = invoke("keep-alive", userId=USER, minutes=60)
    assert answer["until"] == NOW + 25 * 60 + 3600
    minutes(55)
    assert status(invoke)["status"] == "running"
    longest = invoke("keep-alive", userId=USER, minutes=720)["until"]
    assert longest == NOW + 12 * 3600
    minutes(12 * 60 - 75)
    assert status(invoke)["status"] == "stopping"


def test_keep_alive_is_refused_while_nothing_runs(invoke, aws):
    invoke(sample("create-instance"))
    assert invoke("keep-alive", userId=USER)["errorCode"] == "RESOURCE_CONFLICT"


def test_a_member_may_have_it_stopped_sooner_but_not_later(minutes, invoke, foundry):
    assert invoke("set-auto-shutdown", userId=USER, idleMinutes=10)["idleMinutes"] == 10
    assert invoke("set-auto-shutdown", userId=USER, idleMinutes=600)["idleMinutes"] == 30
    invoke("set-auto-shutdown", userId=USER, idleMinutes=10)
    foundry.says[HOST] = NOBODY_PLAYS
    minutes(5)
    assert notices() == ["about-to-stop"]
    minutes(10)
    assert status(invoke)["status"] == "stopping"


@pytest.mark.parametrize(
    ("action", "field", "shortest", "longest"),
    [("set-auto-shutdown", "idleMinutes", 10, 24 * 60), ("keep-alive", "minutes", 10, 12 * 60)],
)
def test_minutes_have_bounds(running, invoke, action, field, shortest, longest):
    for minutes in (shortest, longest):
        assert invoke(action, userId=USER, **{field: minutes})["success"]
    for minutes in (shortest - 1, longest + 1):
        assert invoke(action, userId=USER, **{field: minutes})["details"]["field"] == field


def test_the_reason_of_a_stop_is_kept(minutes, invoke, foundry, ecs):
    foundry.says[HOST] = NOBODY_PLAYS
    minutes(40)
    ecs.ends(*ecs.tasks("STOPPED"))
    assert "nobody uses it" in status(invoke)["message"]
    assert "idleSince" not in world.items("instances")[0]


def test_nobody_is_stopped_without_having_been_told_though_a_notice_is_lost(
    minutes, invoke, foundry
):
    foundry.says[HOST] = NOBODY_PLAYS
    minutes(20)
    AWS.begin((Call("lambda.Invoke", 0), BEFORE))
    minutes(5)
    AWS.end()
    assert notices() == []
    minutes(10)
    assert status(invoke)["status"] == "running"
    assert notices() == ["about-to-stop"]
    minutes(10)
    assert notices() == ["about-to-stop", "stopped"]


@pytest.mark.slow
@pytest.mark.parametrize("place", range(8))
def test_two_ticks_at_once_tell_once(place, minutes, invoke, foundry, freezer):
    foundry.says[HOST] = NOBODY_PLAYS
    minutes(20)
    freezer.tick(300)
    with CALLS.interrupted(Interruption(place, act=lambda: invoke(TICK))):
        invoke(TICK)
    assert notices() == ["about-to-stop"]


@pytest.mark.slow
def test_of_two_sessions_that_have_begun_the_later_says_when_the_server_stops(
    running, invoke, freezer
):
    def book(start, duration):
        return invoke("schedule-session", userId=USER, startTime=start, duration=duration)

    # The first has its server until 22:00 and is told of that at 21:50, when the second's time begins.
    assert book(NOW + 1200, 40)["success"]
    assert book(NOW + 110 * 60 + 600, 60)["success"]
    for _ in range(130):
        freezer.tick(60)
        invoke(sample("prepare-sessions"))
        invoke(TICK)
    assert status(invoke)["status"] == "running"
    assert "about-to-stop" not in notices()


def test_a_session_that_was_over_before_the_server_came_up_ends_nothing(
    invoke, ecs, foundry, freezer
):
    freezer.move_to("2026-03-01T20:00:00Z")
    invoke(sample("create-instance"))
    start = {"userId": USER, "startTime": NOW + 600, "duration": 15}
    assert invoke("schedule-session", **start)["success"]
    freezer.move_to("2026-03-01T20:41:00Z")  # and nothing has prepared it
    invoke("start-instance", userId=USER)
    ecs.comes_up(ecs.only_task())
    foundry.says[HOST] = NOBODY_PLAYS
    AWS.queue.clear()
    for _ in range(3):
        freezer.tick(300)
        assert invoke(TICK)["failures"] == 0
    assert (status(invoke)["status"], notices()) == ("running", [])
