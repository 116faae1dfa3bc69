"""Budgets: a notice at four fifths, no new start when one is spent, until a donation makes room."""

from __future__ import annotations

import pytest

from tests import world
from tests.aws_calls import AWS
from tests.community import community
from tests.kofi.webhooks import payload

pytestmark = pytest.mark.slow

HOUR = 3600
ADA, BEN = "1" * 18, "2" * 18


@pytest.fixture(autouse=True)
def members(invoke, freezer, monkeypatch, once):
    """A server costs 1 USD an hour."""
    freezer.move_to("2026-11-02T20:00:00Z")
    for name, value in {"PRICES": "1,0,0,0", "KOFI_PAGE": "https://ko-fi.com/demo"}.items():
        monkeypatch.setenv(name, value)
    world.new_process()
    once(lambda: community(invoke, keepers=[ADA, BEN]))


@pytest.fixture
def budget(monkeypatch):
    def of(**settings):
        for name, value in settings.items():
            monkeypatch.setenv(name, value)
        world.new_process()

    return of


@pytest.fixture
def plays(invoke, ecs, freezer):
    def play(user, hours):
        started = invoke("start-instance", userId=user)
        if started["success"]:
            (task,) = ecs.tasks()
            ecs.comes_up(task)
            freezer.tick(hours * HOUR)
            ecs.ends(task)
        return started

    return play


def notices():
    return [(o["about"], o["message"]) for o in AWS.queue if o.get("kind") == "budget-near"]


def donate(invoke, amount, user, number=1):
    assert invoke("kofi-webhook", body=payload(number, amount=amount, discord_userid=user))[
        "success"
    ]


def test_without_a_budget_there_is_no_limit(plays):
    assert plays(ADA, 100)["success"]
    assert plays(ADA, 100)["success"]
    assert notices() == []


def test_at_four_fifths_the_member_is_told_once(budget, plays):
    budget(BUDGET_PER_USER="10")
    plays(ADA, 7)
    assert notices() == []
    plays(ADA, 1)
    plays(ADA, 1)
    ((about, message),) = notices()
    assert about == ADA
    assert "8.00 of this month's 10.00 USD" in message
    assert "https://ko-fi.com/demo" in message


def test_a_spent_budget_lets_nothing_new_start_and_says_what_is_missing(budget, plays):
    budget(BUDGET_PER_USER="10")
    plays(ADA, 12)
    refused = plays(ADA, 1)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert "10.00 USD" in refused["error"]
    assert refused["details"]["missing"] == 2.01
    assert refused["details"]["kofiPage"] == "https://ko-fi.com/demo"
    assert "2.01 USD at https://ko-fi.com/demo" in refused["details"]["suggestion"]
    assert plays(BEN, 1)["success"], "everybody has a budget of their own"


def test_a_donation_makes_room(budget, plays, invoke):
    budget(BUDGET_PER_USER="10")
    plays(ADA, 12)
    donate(invoke, "2.01", ADA)
    assert plays(ADA, 1)["success"]


def test_a_new_month_is_a_new_budget(budget, plays, freezer):
    budget(BUDGET_PER_USER="10")
    plays(ADA, 12)
    assert not plays(ADA, 1)["success"]
    freezer.move_to("2026-12-01T00:00:01Z")
    assert plays(ADA, 1)["success"]


def test_the_communitys_budget_is_everybodys_together(budget, plays, invoke):
    budget(BUDGET_TOTAL="10")
    plays(ADA, 8)
    assert [about for about, _ in notices()] == [None]
    plays(BEN, 2)
    refused = plays(BEN, 1)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert "community" in refused["error"]
    donate(invoke, "5.00", None)  # nobody's in particular counts, too
    assert plays(ADA, 1)["success"]


def test_what_runs_now_counts_for_the_communitys_budget(budget, ecs, invoke, freezer):
    budget(BUDGET_TOTAL="10")
    invoke("start-instance", userId=ADA)
    ecs.comes_up(ecs.only_task())
    freezer.tick(10 * HOUR)
    assert invoke("start-instance", userId=BEN)["errorCode"] == "RESOURCE_CONFLICT"


def test_a_session_that_is_booked_takes_place_all_the_same(budget, plays, invoke, freezer):
    budget(BUDGET_PER_USER="10")
    now = 1793649600  # 2026-11-02T20:00:00Z
    booked = invoke("schedule-session", userId=ADA, startTime=now + 20 * HOUR, duration=60)
    assert booked["success"]
    plays(ADA, 12)
    assert not plays(ADA, 1)["success"]
    freezer.move_to("2026-11-03T15:56:00Z")
    for _ in range(3):
        tick = invoke("prepare-sessions", userId="system")
        freezer.tick(60)
        if tick["instancesStarted"]:
            break
    assert invoke("status", userId=ADA)["status"] == "starting"


@pytest.fixture
def in_session(budget, plays, invoke, freezer):
    """Ada's session of an hour is about to begin, and her budget is spent."""
    budget(BUDGET_PER_USER="10")
    start = 1793649600 + 20 * HOUR  # 2026-11-03T16:00:00Z
    booked = invoke("schedule-session", userId=ADA, startTime=start, duration=60)
    plays(ADA, 12)
    freezer.move_to("2026-11-03T15:52:00Z")
    return booked["sessionId"]


def test_on_a_spent_budget_a_server_starts_for_a_session_until_that_is_over(
    in_session, invoke, ecs, freezer
):
    assert invoke("request-license", userId=ADA)["success"]
    for moment, starts in [("15:52:30", True), ("16:59:59", True), ("17:00:00", False)]:
        freezer.move_to(f"2026-11-03T{moment}Z")
        answer = invoke("start-instance", userId=ADA)
        assert answer["success"] == starts
        if starts:
            ecs.ends(ecs.only_task())
    assert "budget" in answer["error"]


def test_a_spent_budget_reserves_no_licence(budget, plays, invoke):
    budget(BUDGET_PER_USER="10")
    plays(ADA, 12)
    refused = invoke("request-license", userId=ADA)
    assert "10.00 USD" in refused["error"]
    assert invoke("request-license", userId=BEN)["success"]


@pytest.mark.parametrize("begun", [False, True])
def test_on_a_spent_budget_a_server_does_not_go_on_without_its_session(
    in_session, invoke, ecs, freezer, begun
):
    cancel = {"userId": ADA, "sessionId": in_session}
    invoke("start-instance", userId=ADA)
    ecs.comes_up(ecs.only_task())
    if begun:
        freezer.move_to("2026-11-03T16:10:00Z")
        invoke("prepare-sessions", userId="system")
    refused = invoke("cancel-scheduled-session", **cancel)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert "10.00 USD" in refused["error"]
    assert "stop-instance" in refused["details"]["suggestion"]
    invoke("stop-instance", userId=ADA)
    assert invoke("cancel-scheduled-session", **cancel)["success"]


def test_on_a_spent_budget_a_session_that_is_far_off_is_cancelled(in_session, invoke, freezer):
    freezer.move_to("2026-11-03T15:00:00Z")
    assert invoke("cancel-scheduled-session", userId=ADA, sessionId=in_session)["success"]


def test_while_there_is_a_budget_a_server_goes_on_without_its_session(
    budget, in_session, invoke, ecs
):
    budget(BUDGET_PER_USER="100")
    invoke("start-instance", userId=ADA)
    assert invoke("cancel-scheduled-session", userId=ADA, sessionId=in_session)["success"]
    assert invoke("status", userId=ADA)["status"] == "starting"
