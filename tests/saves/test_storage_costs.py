"""What the storage of saves costs: each second of it is billed once, for as long as there are saves."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actions.billing.pricing import storage_shares
from tests import world
from tests.model import emulated
from tests.recount import disagreements, months
from tests.saves.conftest import USER, instance

pytestmark = pytest.mark.slow

GB = 2**30
DAY = 86400
PRICE = Decimal("0.023")
# Of an hour of a byte nothing is lost that anybody could see in a thousand years.
NEAR = Decimal("0.000000001")


@pytest.fixture
def saves(evening, save):
    """Play, and save what then weighs so many GB; returns the report."""
    return lambda gb: save(evening(), repositoryBytes=int(gb * GB))


@pytest.fixture
def once_more(evening, freezer):
    """Begin anew with a server that has never run."""
    copy, began = emulated.Copy(), freezer()

    def again() -> None:
        copy.restore()
        freezer.move_to(began)
        world.new_process()

    return again


def entries():
    found = [i for i in world.items("ledger") if ":storage:" in i["entry"]]
    return sorted(found, key=lambda i: (i["startedAt"], i["stoppedAt"]))


def costs(invoke, month):
    return invoke("get-user-costs", userId=USER, month=month)


def test_the_first_save_costs_no_storage_yet(saves, invoke):
    saves(10)
    assert entries() == []
    assert instance()["stored"]["bytes"] == 10 * GB
    shown = costs(invoke, "2026-11")
    assert (shown["storage"], shown["storageCost"]) == ([], 0)


def test_from_one_save_to_the_next_the_size_of_the_first_is_billed(saves, invoke, freezer):
    freezer.move_to("2026-11-01T12:00:00Z")
    saves(1000)
    first = instance()["stored"]
    freezer.move_to("2026-11-16T12:00:00Z")
    saves(2000)
    second = instance()["stored"]
    (entry,) = entries()
    assert (entry["startedAt"], entry["stoppedAt"]) == (first["since"], second["since"])
    seconds = second["since"] - first["since"]
    assert entry["cost"] == (1000 * PRICE * seconds / (30 * DAY)).quantize(Decimal("1e-12"))
    shown = costs(invoke, "2026-11")
    (stretch,) = shown["storage"]
    assert (stretch["bytes"], stretch["seconds"]) == (1000 * GB, seconds)
    assert stretch["cost"] == shown["storageCost"] == pytest.approx(11.5, abs=0.1)
    runs = sum(run["cost"] for run in shown["runs"])
    assert shown["cost"] == pytest.approx(runs + shown["storageCost"], abs=0.03)
    everybody = invoke("get-all-costs", userId="admin", month="2026-11")
    (of_user,) = everybody["users"]
    for of in (of_user, everybody["total"]):
        assert (of["cost"], of["storageCost"]) == (shown["cost"], shown["storageCost"])
    assert disagreements(world.items) == {}


def test_a_month_has_its_share_and_each_month_the_same_price_however_long(saves, invoke, freezer):
    freezer.move_to("2027-01-01T00:00:00Z")
    saves(100)
    freezer.move_to("2027-03-31T20:00:00Z")
    saves(100)
    january, february, march = entries()
    assert february["seconds"] == 28 * DAY
    assert february["cost"] == 100 * PRICE
    assert costs(invoke, "2027-02")["cost"] == costs(invoke, "2027-02")["storageCost"] == 2.3
    assert january["stoppedAt"] == february["startedAt"]
    assert march["startedAt"] == february["stoppedAt"]
    assert disagreements(world.items) == {}


def test_years_without_a_save_are_billed_though_no_transaction_holds_so_many_months(saves, freezer):
    saves(1)
    freezer.move_to("2036-05-05T20:00:00Z")
    saves(1)
    found = entries()
    assert len(found) == 115
    assert all(a["stoppedAt"] == b["startedAt"] for a, b in pairwise(found))
    assert found[-1]["stoppedAt"] == instance()["stored"]["since"]
    assert disagreements(world.items) == {}


def test_a_task_that_was_killed_before_it_had_added_up_is_reckoned(saves, evening, save):
    saves(3)
    save(evening(), repositoryBytes=None, addedBytes=GB)
    assert instance()["stored"]["bytes"] == 4 * GB
    assert len(entries()) == 1


def test_with_the_server_the_saves_go_and_are_billed_up_to_then(saves, invoke, ecs, freezer):
    saves(100)
    since = instance()["stored"]["since"]
    freezer.tick(10 * DAY)
    invoke("destroy-instance", userId=USER, forget=True)
    freezer.tick(60)
    ecs.ends(ecs.only_task())
    assert world.items("instances") == []
    assert world.items("saves") == []
    entered = entries()
    assert sum(e["seconds"] for e in entered) == 10 * DAY
    assert (entered[0]["startedAt"], entered[-1]["stoppedAt"]) == (since, since + 10 * DAY)
    assert disagreements(world.items) == {}


def test_an_administrators_repair_knows_of_storage(saves, invoke, freezer):
    saves(100)
    freezer.tick(DAY)
    saves(100)
    assert invoke("admin-maintenance-reset", userId="admin")["countersMended"] == {}


def test_of_two_ends_that_are_noticed_at_once_one_bills(saves, evening, files, ecs, freezer):
    saves(100)
    freezer.tick(DAY)
    task = evening()
    ecs.comes_up(task)
    freezer.tick(40)
    files.carry_out(task)
    event = ecs.becomes(task, "STOPPED", exit_code=0, stopped_at=datetime.now(UTC))
    for _ in range(3):
        ecs.deliver(event)
    assert len(entries()) == 1
    assert disagreements(world.items) == {}


def test_tasks_that_handle_files_are_no_servers_that_ended(saves, invoke):
    saves(1)
    shown = invoke("shutdown-stats", userId="admin")
    assert shown["total"] == sum(shown["byCause"].values()) == 1
    assert "files" not in shown["byCause"]


@given(
    st.lists(
        st.tuples(
            st.sampled_from([0, 1, 3600, DAY, 40 * DAY, 500 * DAY]),
            st.integers(0, 2**40),
            st.booleans(),
        ),
        min_size=1,
        max_size=5,
    )
)
@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_whatever_is_saved_when_each_second_is_billed_once(
    evening, save, once_more, freezer, story
):
    once_more()
    sizes = []
    for pause, size, adds_up in story:
        freezer.tick(pause)
        save(evening(), addedBytes=size, repositoryBytes=size if adds_up else None)
        stored = instance()["stored"]
        sizes.append((stored["since"], stored["bytes"]))
    found = entries()
    begins, ends = sizes[0][0], sizes[-1][0]
    assert sum(e["seconds"] for e in found) == ends - begins
    moments = [(e["startedAt"], e["stoppedAt"]) for e in found]
    assert [a for a, _ in moments] == [begins, *(b for _, b in moments)][: len(moments)]
    for (since, size), (until, _) in pairwise(sizes):
        of = [e for e in found if since <= e["startedAt"] < until]
        assert {e["bytes"] for e in of} <= {size}
    assert disagreements(world.items) == {}


@given(
    since=st.integers(1_790_000_000, 1_900_000_000),
    parts=st.lists(st.integers(0, 90 * DAY), max_size=6),
    size=st.integers(0, 2**44),
)
def test_a_stretch_costs_the_same_in_one_piece_and_in_many(since, parts, size):
    until = since + sum(parts)
    whole = storage_shares(PRICE, size, since, until)
    pieces, at = [], since
    for part in parts:
        pieces += storage_shares(PRICE, size, at, at + part)
        at += part
    assert sum(s.seconds for s in whole) == sum(s.seconds for s in pieces) == until - since
    assert {s.month: s.seconds for s in whole} == dict(months(since, until))
    cost, in_pieces = (sum((s.cost for s in found), Decimal(0)) for found in (whole, pieces))
    assert abs(cost - in_pieces) < NEAR
