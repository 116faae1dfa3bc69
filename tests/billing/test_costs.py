"""get-user-costs and get-all-costs: what was used, what it cost, and what donations cover."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests import world
from tests.community import community
from tests.kofi.webhooks import payload
from tests.recount import disagreements

pytestmark = pytest.mark.slow

HOUR = 3600
RATE = Decimal("0.0445")  # USD an hour: 1 vCPU, 2 GB and an address (docs/costs.md)


@pytest.fixture
def plays(invoke, ecs, freezer):
    """A member plays for some hours; the task comes up at once."""

    def play(user, hours):
        assert invoke("start-instance", userId=user)["success"]
        task = ecs.only_task()
        ecs.comes_up(task)
        freezer.tick(round(hours * HOUR))
        ecs.ends(task, exit_code=1)

    return play


@pytest.fixture(autouse=True)
def members(invoke, freezer, once):
    freezer.move_to("2026-11-21T20:00:00Z")
    once(lambda: community(invoke, keepers=["ada", "ben"]))


def usd(hours):
    return float(round(hours * RATE, 2))


def costs(invoke, user="ada", **more):
    return invoke("get-user-costs", userId=user, **more)


def test_a_months_costs_are_the_sum_of_its_runs(invoke, plays):
    plays("ada", 10)
    plays("ada", 20)
    plays("ben", 5)
    found = costs(invoke)
    assert found["month"] == "2026-11"
    assert found["hours"] == 30.0
    assert found["cost"] == usd(30)
    assert [run["seconds"] for run in found["runs"]] == [10 * HOUR, 20 * HOUR]
    assert [run["endedBy"] for run in found["runs"]] == ["crash", "crash"]


def test_what_still_runs_counts_up_to_now(invoke, ecs, freezer):
    invoke("start-instance", userId="ada")
    assert costs(invoke)["cost"] == 0.0, "nothing is billed before the image is pulled"
    ecs.comes_up(ecs.only_task())
    freezer.tick(4 * HOUR)
    found = costs(invoke)
    assert (found["hours"], found["cost"]) == (4.0, usd(4))
    (run,) = found["runs"]
    assert run["running"]
    everybody = invoke("get-all-costs", userId="admin")
    assert everybody["total"]["hours"] == 4.0
    assert invoke("admin-overview", userId="admin")["usage"]["totalHours"] == 4.0
    ecs.ends(ecs.only_task())
    assert costs(invoke)["hours"] == 4.0, "once, now that it is over"


def test_a_run_over_the_end_of_a_month_counts_in_both_for_its_share(invoke, plays, freezer):
    freezer.move_to("2026-11-30T22:00:00Z")
    plays("ada", 5)
    assert costs(invoke, month="2026-11")["hours"] == 2.0
    assert costs(invoke, month="2026-12")["hours"] == 3.0
    assert costs(invoke)["month"] == "2026-12"
    shares = [costs(invoke, month=month)["runs"][0]["runId"] for month in ("2026-11", "2026-12")]
    assert shares[0] == shares[1]


def test_a_run_that_is_still_going_is_split_at_the_end_of_a_month_too(invoke, ecs, freezer):
    freezer.move_to("2028-02-29T23:00:00Z")
    invoke("start-instance", userId="ada")
    ecs.comes_up(ecs.only_task())
    freezer.tick(3 * HOUR)
    assert costs(invoke, month="2028-02")["hours"] == 1.0
    assert costs(invoke, month="2028-03")["hours"] == 2.0


def test_a_run_of_seconds_costs_a_minute_as_aws_bills_it(invoke, plays):
    plays("ada", 2 / HOUR)
    (entry,) = [item for item in world.items("ledger") if ":run:" in item["entry"]]
    assert entry["seconds"] == 2
    assert float(entry["cost"]) == pytest.approx(float(RATE) / 60, abs=1e-6)


def test_a_run_that_ends_before_its_image_is_pulled_costs_nothing_whatever_ran_before(
    invoke, ecs, plays, freezer
):
    plays("ada", 3)
    freezer.tick(HOUR)
    invoke("start-instance", userId="ada")
    freezer.tick(120)
    ecs.ends(ecs.only_task(), exit_code=1)
    found = costs(invoke)
    assert (found["hours"], found["cost"]) == (3.0, usd(3))
    assert [run["seconds"] for run in world.items("runs") if run["seconds"] != 3 * HOUR] == [0]


def test_a_runs_rate_is_what_it_was_when_the_run_began(invoke, ecs, freezer, monkeypatch):
    invoke("start-instance", userId="ada")
    ecs.comes_up(ecs.only_task())
    monkeypatch.setenv("PRICES", "100,0.00356,0.005,0.023")
    world.new_process()
    freezer.tick(10 * HOUR)
    ecs.ends(ecs.only_task())
    assert costs(invoke)["cost"] == usd(10)


def test_settings_say_what_aws_charges_and_how_large_a_server_is(invoke, plays, monkeypatch):
    monkeypatch.setenv("PRICES", "0.1,0.01,0.02,0.03")
    monkeypatch.setenv("TASK_CPU", "2048")
    monkeypatch.setenv("TASK_MEMORY", "4096")
    world.new_process()
    plays("ada", 10)
    assert costs(invoke)["cost"] == 10 * (0.2 + 0.04 + 0.02)


def test_donations_cover_costs_and_what_is_left_is_uncovered(invoke, plays):
    plays("ada", 100)
    before = costs(invoke)
    assert before["uncovered"] == before["cost"] == usd(100)
    invoke("kofi-webhook", body=payload(amount="3.00", discord_userid=18 * "1"))
    invoke("kofi-webhook", body=payload(2, amount="3.00", message="discord: " + 18 * "2"))
    assert costs(invoke)["uncovered"] == before["uncovered"], "somebody else's"
    assert costs(invoke, "1" * 18)["donations"] == 3.0
    assert costs(invoke, "1" * 18)["uncovered"] == 0.0


def test_a_month_of_everybody_lists_the_most_expensive_first(invoke, plays):
    plays("ada", 1)
    plays("ben", 9)
    found = invoke("get-all-costs", userId="admin", month="2026-11")
    assert [user["userId"] for user in found["users"]] == ["ben", "ada"]
    assert found["total"]["hours"] == 10.0
    assert invoke("get-all-costs", userId="admin", month="2026-10")["users"] == []
    assert invoke("get-all-costs", userId="ada")["errorCode"] == "PERMISSION_DENIED"


def test_a_month_reads_that_month_and_not_every_run_ever(invoke, plays, freezer):
    from tests.aws_calls import AWS

    for _ in range(3):
        plays("ada", 1)
        freezer.tick(40 * 24 * HOUR)
    AWS.begin()
    assert costs(invoke)["runs"] == []
    reads = [call.name for call in AWS.calls]
    AWS.end()
    assert reads == ["dynamodb.Query"] * 2


@pytest.mark.parametrize("month", ["2026-13", "11-2026", "2026-11-01", "", 202611, "٢٠٢٦-11"])
def test_a_month_is_written_as_year_and_number(invoke, month):
    answer = costs(invoke, month=month)
    assert answer["errorCode"] == "VALIDATION_ERROR"
    assert answer["details"]["field"] == "month"


def test_what_is_destroyed_stays_in_the_books(invoke, plays):
    plays("ada", 10)
    assert invoke("destroy-instance", userId="ada")["success"]
    assert costs(invoke)["hours"] == 10.0
    assert disagreements(world.items) == {}
