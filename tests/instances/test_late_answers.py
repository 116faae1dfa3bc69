"""When AWS answers late, leaves something out or has no time: one task at most, each second billed, a way on."""

from __future__ import annotations

import json
from contextlib import suppress
from time import monotonic

import pytest
from freezegun import freeze_time

from tests import world
from tests.aws_calls import AFTER, AWS, BEFORE, DIES_AFTER, Call, ProcessDied
from tests.foundry_server import DRIPS, NOBODY_PLAYS, POURS, playing
from tests.lagging.lag import LAG
from tests.lagging.refusals import NO_ROOM_SAYS
from tests.lagging.strictness import refusal
from tests.world import sample

pytestmark = pytest.mark.slow

USER = sample("create-instance")["userId"]
TICK = sample("auto-shutdown-check")
HOUR = 3600
RUN_TASK = Call("ecs.RunTask", 1)  # the first fetches the release


@pytest.fixture(autouse=True)
def evening(freezer, monkeypatch):
    freezer.move_to("2026-03-01T20:00:00Z")
    monkeypatch.setattr("time.sleep", freezer.tick)


@pytest.fixture
def created(invoke, foundry, once):
    once(lambda: invoke(sample("create-instance")))
    foundry.says["ada.play.example"] = playing(3)


@pytest.fixture
def running(created, invoke, ecs):
    invoke(sample("start-instance"))
    task = ecs.only_task()
    ecs.comes_up(task)
    return task


@pytest.fixture
def ticks(invoke, freezer):
    def pass_by(count, seconds=300):
        for _ in range(count):
            freezer.tick(seconds)
            deliver(invoke)
            assert invoke(TICK)["failures"] == 0

    return pass_by


def deliver(invoke):
    """What the function has asked itself to do."""
    orders, AWS.queue[:] = AWS.queue[:], []
    for order in orders:
        invoke(order)


def status(invoke):
    return invoke("status", userId=USER)["status"]


def billed():
    entries = [item for item in world.items("ledger") if ":run:" in item["entry"]]
    return sum(entry["seconds"] for entry in entries)


def license_is_free():
    (license,) = world.licenses()
    return "holder" not in license


def loses_the_answer(invoke, event, mode=AFTER):
    """RunTask takes effect, but the function does not get to know."""
    AWS.begin((RUN_TASK, mode))
    try:
        with suppress(ProcessDied):
            invoke(event)
    finally:
        AWS.end()
        world.new_process()


# --- a task that is there but not shown --------------------------------------------------------------------


def test_a_server_that_one_look_does_not_show_goes_on(running, invoke, ecs, ticks):
    LAG.hidden.add(running)
    ticks(1)
    LAG.hidden.clear()
    assert status(invoke) == "running"
    assert ecs.tasks() == [running]
    assert not license_is_free()


@pytest.mark.parametrize("slow", [0, 20, 230])
def test_a_server_that_ecs_shows_no_more_is_given_up_however_long_ticks_take(
    running, invoke, freezer, meanwhile, slow
):
    LAG.hidden.add(running)
    for _ in range(40):
        freezer.tick(300 - slow)
        with meanwhile("DescribeTasks", lambda: freezer.tick(slow)):
            invoke(TICK)
    assert status(invoke) == "stopped"


def test_a_server_that_another_tick_sees_at_the_same_time_goes_on(
    running, invoke, ticks, freezer, meanwhile
):
    LAG.hidden.add(running)
    ticks(1)

    def the_other_tick_sees_it():
        LAG.hidden.clear()
        invoke(TICK)
        LAG.hidden.add(running)

    freezer.tick(300)
    with meanwhile("UpdateItem", the_other_tick_sees_it):
        invoke(TICK)
    ticks(1)
    LAG.hidden.clear()
    assert status(invoke) == "running"


def test_a_server_of_which_an_event_tells_while_a_tick_does_not_see_it_goes_on(
    running, invoke, ecs, ticks, freezer, meanwhile
):
    told = ecs.event(running)
    LAG.hidden.add(running)
    ticks(1)
    freezer.tick(300)
    with meanwhile("DescribeTasks", lambda: invoke(told)):
        invoke(TICK)
    ticks(1)
    LAG.hidden.clear()
    assert status(invoke) == "running"


def test_a_start_whose_task_the_minutes_tick_has_seen_is_not_missing_since_before(
    created, invoke, ecs, freezer
):
    invoke(sample("start-instance"))
    task = ecs.only_task()
    LAG.hidden.add(task)
    freezer.tick(120)
    invoke(TICK)
    freezer.tick(290)
    LAG.hidden.clear()
    ecs.becomes(task, "PENDING")
    invoke(sample("prepare-sessions"))
    LAG.hidden.add(task)
    for seconds in (10, 300):
        freezer.tick(seconds)
        invoke(TICK)
    LAG.hidden.clear()
    assert status(invoke) == "starting"


def test_a_server_that_is_shown_between_two_looks_goes_on_though_that_was_not_noted(
    running, invoke, ecs, ticks, freezer
):
    LAG.hidden.add(running)
    ticks(1)
    LAG.hidden.clear()
    freezer.tick(300)
    AWS.begin((Call("dynamodb.UpdateItem", 0), BEFORE))
    assert invoke(TICK)["failures"] == 1
    AWS.end()
    LAG.hidden.add(running)
    ticks(2)
    LAG.hidden.clear()
    ticks(1)
    assert status(invoke) == "running"
    assert ecs.tasks() == [running]


def test_a_server_of_which_look_after_look_shows_nothing_is_stopped(running, invoke, ecs, ticks):
    LAG.hidden.add(running)
    ticks(3)
    assert status(invoke) == "stopping"
    deliver(invoke)
    assert ecs.tasks() == []


def test_a_task_that_the_first_look_after_a_start_does_not_show_comes_up(
    created, invoke, ecs, ticks
):
    invoke(sample("start-instance"))
    LAG.hidden.add(ecs.only_task())
    ticks(1)
    LAG.hidden.clear()
    ecs.comes_up(ecs.only_task())
    assert status(invoke) == "running"


def test_a_server_that_is_stopped_unseen_holds_its_licence_until_nothing_can_still_run(
    running, invoke, ecs, ticks
):
    LAG.hidden.add(running)
    invoke(sample("stop-instance"))
    ticks(10)
    assert not license_is_free()
    assert invoke(sample("start-instance"))["errorCode"] == "RESOURCE_CONFLICT"
    ticks(6)
    assert license_is_free(), "an hour is as long as a task that was seen can stay unseen"
    assert status(invoke) == "stopped"


def test_a_start_whose_answer_was_lost_is_stopped_and_billed_though_no_list_shows_it(
    created, invoke, ecs, ticks, freezer
):
    loses_the_answer(invoke, sample("start-instance"))
    task = ecs.only_task()
    LAG.hidden.add(task)
    invoke(sample("stop-instance"))
    deliver(invoke)
    assert ecs.tasks() == [], "the token of the run tells which task it is"
    assert invoke(sample("start-instance"))["errorCode"] == "RESOURCE_CONFLICT"
    LAG.hidden.clear()
    ecs.up(task)
    freezer.tick(100)
    ecs.ends(task)
    ticks(2)
    assert status(invoke) == "stopped"
    assert billed() == 100


def test_a_start_whose_answer_was_lost_is_found_again_on_another_licence(created, invoke, ecs):
    """The definition has been renewed since: the arguments differ, and the refusal names the task."""
    loses_the_answer(invoke, sample("start-instance"))
    task = ecs.only_task()
    LAG.hidden.add(task)
    said = refusal("ConflictException", "The client token is in use.", resourceIds=[task])
    LAG.replies.append(("ecs.RunTask", said))
    assert invoke(sample("start-instance"))["success"]
    LAG.hidden.clear()
    ecs.comes_up(task)
    assert status(invoke) == "running"
    assert ecs.tasks() == [task]


def test_a_destroyed_server_leaves_no_task_whose_start_was_lost(created, invoke, ecs, ticks):
    loses_the_answer(invoke, sample("start-instance"))
    task = ecs.only_task()
    LAG.hidden.add(task)
    invoke(sample("destroy-instance"))
    ticks(2)
    assert task not in ecs.tasks()


def test_a_task_that_is_found_running_after_its_run_was_closed_is_stopped_and_billed(
    running, invoke, ecs, ticks, freezer
):
    LAG.hidden.add(running)
    LAG.replies += [("ecs.StopTask", refusal("InvalidParameterException", "not found"))] * 40
    invoke(sample("stop-instance"))
    ticks(16)
    LAG.hidden.clear()
    LAG.replies.clear()
    assert status(invoke) == "stopped"
    closed = billed()
    invoke(ecs.event(running))
    assert ecs.tasks() == []
    freezer.tick(60)
    ended = ecs.ended(running)
    invoke(ended)
    invoke(ended)
    lived = 16 * 300 + 60
    assert billed() == lived > closed
    assert invoke(sample("start-instance"))["success"]


# --- AWS is busy -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", NO_ROOM_SAYS, ids=lambda said: f"{said[0]}: {said[1][:25]}")
def test_a_start_that_aws_cannot_take_now_goes_on_by_itself(said, created, invoke, ecs, ticks):
    LAG.replies.append(("ecs.RunTask", refusal(*said)))
    answer = invoke(sample("start-instance"))
    assert said[0] not in json.dumps(answer)
    assert said[0] not in json.dumps(invoke("status", userId=USER))
    assert answer.get("errorCode") != "INTERNAL_ERROR"
    assert status(invoke) == "starting"
    ticks(1)
    ecs.comes_up(ecs.only_task())
    assert status(invoke) == "running"
    assert "reason" not in world.items("instances")[0]


@pytest.mark.slow
@pytest.mark.parametrize("said", NO_ROOM_SAYS, ids=lambda said: f"{said[0]}: {said[1][:25]}")
def test_a_start_that_aws_never_takes_is_given_up_with_the_licence_free(
    said, created, invoke, ecs, ticks
):
    LAG.replies += [("ecs.RunTask", refusal(*said))] * 20
    invoke(sample("start-instance"))
    ticks(9)
    assert status(invoke) == "stopped"
    assert license_is_free()
    assert said[0] not in invoke("status", userId=USER)["message"]
    assert billed() == 0


def test_an_update_that_meets_a_transaction_is_tried_again(running, invoke):
    met = refusal("TransactionConflictException", "Transaction is ongoing for the item")
    LAG.replies += [("dynamodb.UpdateItem", met)] * 2
    assert invoke(sample("keep-alive"))["success"]


@pytest.mark.parametrize("code", ["ThrottlingError", "TransactionConflict"])
def test_a_transaction_that_is_throttled_is_tried_again(code, running, invoke):
    reasons = [{"Code": "None"}, {"Code": code}]
    said = refusal("TransactionCanceledException", code, CancellationReasons=reasons)
    LAG.replies += [("dynamodb.TransactWriteItems", said)] * 2
    assert invoke(sample("stop-instance"))["success"]


# --- the tick ----------------------------------------------------------------------------------------------


def test_a_tick_that_comes_a_second_early_looks_all_the_same(running, invoke, foundry, ticks):
    ticks(1)
    foundry.asked.clear()
    ticks(6, seconds=299)
    assert len([what for _, what in foundry.asked if what == "GET /api/status"]) == 6


def test_a_server_that_was_idle_once_and_then_says_nothing_is_not_stopped_as_idle(
    running, invoke, foundry, ticks
):
    foundry.says["ada.play.example"] = NOBODY_PLAYS
    ticks(1)
    foundry.says["ada.play.example"] = "<html>502</html>"
    ticks(12)
    assert status(invoke) == "running"


def test_no_answer_of_a_server_breaks_a_tick(running, invoke, foundry, ticks):
    foundry.says["ada.play.example"] = "[" * 100_000
    ticks(1)
    assert status(invoke) == "running"


@pytest.mark.slow
def test_a_server_that_answers_without_end_is_asked_for_five_seconds_at_most(
    running, invoke, foundry
):
    foundry.says["ada.play.example"] = DRIPS
    with freeze_time(tz_offset=0, tick=True) as clock:  # time that also passes by itself
        clock.tick(300)
        began = monotonic()
        assert invoke(TICK)["failures"] == 0
        assert 4 < monotonic() - began < 60, "not for ever; how busy this machine is nobody knows"
    assert status(invoke) == "running"


def test_of_an_answer_without_end_little_is_read(running, invoke, foundry, ticks):
    foundry.says["ada.play.example"], foundry.sent = POURS, 0
    ticks(1)
    assert foundry.sent < 10_000_000, "what the sockets in between hold, and not more"
    assert status(invoke) == "running"


def test_a_server_that_came_up_late_after_its_process_died_is_not_stopped(
    created, invoke, ecs, ticks
):
    loses_the_answer(invoke, sample("start-instance"), DIES_AFTER)
    task = ecs.only_task()
    up = ecs.up(task)
    with pytest.raises(Exception, match="RESOURCE_CONFLICT"):  # Lambda repeats it
        invoke(up)
    ticks(1)
    ticks(1, seconds=1200)
    assert status(invoke) == "running"
    assert ecs.tasks() == [task]


def test_a_start_is_whole_two_ticks_after_its_process_died(created, invoke, ecs, ticks):
    loses_the_answer(invoke, sample("start-instance"), DIES_AFTER)
    ecs.up(ecs.only_task())
    ticks(2)
    assert status(invoke) == "running"


# --- the end of a run --------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", ["/join", "/license", "/auth", "/setup?next=/join"])
def test_a_member_is_told_if_the_world_could_not_be_shut(place, running, invoke, ecs, foundry):
    foundry.admin_key, foundry.leads_to = sample("create-instance")["foundryAdminKey"], place
    invoke(sample("stop-instance"))
    deliver(invoke)
    ecs.ends(running)
    (run,) = world.items("runs")
    assert run["clean"] is False
    assert "could not be" in invoke("status", userId=USER)["message"]


def test_a_world_that_was_shut_is_noted(running, invoke, ecs, foundry):
    foundry.admin_key = sample("create-instance")["foundryAdminKey"]
    invoke(sample("stop-instance"))
    deliver(invoke)
    ecs.ends(running)
    (run,) = world.items("runs")
    assert run["clean"] is True


def test_a_server_without_a_world_is_idle_whatever_else_it_says(running, invoke, foundry, ticks):
    foundry.says["ada.play.example"] = {"active": False}
    ticks(8)
    assert status(invoke) in ("stopping", "stopped")
