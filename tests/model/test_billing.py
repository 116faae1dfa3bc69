"""Whatever becomes of servers, and of the news of it: each second that a task existed is billed, once.

Hypothesis makes up histories of a few runs each: tasks that crash, that never come up, that are stopped or
destroyed; events that come twice, late or never; ends of months, among them a leap day's, in the midst of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import proof
from tests.model import emulated
from tests.model.simulation import CHECK, Simulation, simulation
from tests.recount import disagreements, months

CRASHES, IS_STOPPED, IS_DESTROYED, NEVER_COMES_UP = "crashes", "stopped", "destroyed", "never up"
COME, COME_TWICE, ARE_LOST = "come", "come twice", "are lost"
USERS = ("olga", "otto", "oskar")


@dataclass(frozen=True)
class Run:
    """One run: seconds until it starts, until its task is up, until it ends; how it ends; what is heard of it."""

    user: str
    wait: int
    pull: int
    lasts: int
    ends: str
    up_events: str
    end_events: str


ends = st.sampled_from([CRASHES, IS_STOPPED, IS_STOPPED, NEVER_COMES_UP, IS_DESTROYED])
news = st.sampled_from([COME, COME_TWICE, ARE_LOST])
# A second, some hours, or the whole of a month and more.
spans = st.one_of(st.integers(1, 90), st.integers(1, 12 * 3600), st.integers(1, 40 * 86400))
runs = st.builds(Run, st.sampled_from(USERS), spans, st.integers(1, 300), spans, ends, news, news)
# Shortly before the end of a month: a common one, a year's, February's with and without a leap day.
eves = st.sampled_from(
    [
        datetime(2026, 4, 30, 20),  # noqa: DTZ001 - freezegun takes UTC without a zone
        datetime(2026, 12, 31, 20),  # noqa: DTZ001
        datetime(2027, 2, 28, 20),  # noqa: DTZ001
        datetime(2028, 2, 28, 20),  # noqa: DTZ001
        datetime(2028, 2, 29, 20),  # noqa: DTZ001
    ]
)
begins = st.builds(lambda eve, s: eve + timedelta(seconds=s), eves, st.integers(-86400, 5 * 3600))


@pytest.fixture(scope="module")
def prepared() -> Iterator[Simulation]:
    with simulation() as made:
        yield made


def play(on: Simulation, run: Run) -> None:
    """One run from its start until everything of it is billed, by events or by the tick."""
    on.clock.tick(run.wait)
    answer = on.asks("start-instance", run.user)
    if not (answer and answer["success"]):
        return  # its server was destroyed before
    (task,) = on.moving()
    on.clock.tick(run.pull)
    if run.ends != NEVER_COMES_UP:
        on.moves(task)
        arrive(on, run.up_events)
        noticed = min(run.lasts, 300)
        on.clock.tick(noticed)
        on.tick(CHECK)  # notices what runs, if no event did
        on.clock.tick(run.lasts - noticed)
    end(on, run, task)
    arrive(on, run.end_events)
    while any("runId" in instance for instance in emulated.items("instances")):
        on.clock.tick(300)
        on.tick(CHECK)
        on.deliver_all()
        for moving in on.moving():  # what the tick stopped, and purge tasks
            on.moves(moving)


def end(on: Simulation, run: Run, task: Any) -> None:
    if run.ends in (CRASHES, NEVER_COMES_UP):
        on.ends(task, 137)
        return
    name = "stop-instance" if run.ends == IS_STOPPED else "destroy-instance"
    answer = on.asks(name, run.user)
    assert answer
    assert answer["success"]
    while on.orders:
        on.deliver_order()
    on.clock.tick(17)
    on.moves(task)


def arrive(on: Simulation, how: str) -> None:
    events = [delivery.event for delivery in on.events]
    on.events.clear()
    for event in events * {COME: 1, COME_TWICE: 2, ARE_LOST: 0}[how]:
        on.call(event)
    on.deliver_all()


def existed(on: Simulation) -> Counter[tuple[str, str]]:
    """The seconds for which the tasks of each member existed, month by month, as ECS would say."""
    owners = {run["runId"]: run["userId"] for run in emulated.items("runs")}
    seconds: Counter[tuple[str, str]] = Counter()
    for run_id, life in on.lives.items():
        if life.begin and life.end:
            for month, part in months(life.begin, life.end).items():
                seconds[owners[run_id], month] += part
    return seconds


def billed() -> Counter[tuple[str, str]]:
    """The seconds that the ledger has for each member, month by month."""
    entries = [item for item in emulated.items("ledger") if ":run:" in item["entry"]]
    seconds: Counter[tuple[str, str]] = Counter()
    for entry in entries:
        assert months(entry["startedAt"], entry["stoppedAt"]) in (
            Counter({entry["entry"][:7]: entry["seconds"]}),
            Counter(),
        )
        seconds[entry["account"], entry["entry"][:7]] += entry["seconds"]
    return +seconds


def histories_are_billed(on: Simulation, examples: int) -> Counter[str]:
    told: Counter[str] = Counter()

    @settings(max_examples=examples, derandomize=True, database=None, deadline=None)
    @given(begins, st.lists(runs, min_size=1, max_size=4))
    def billed_to_the_second(begin: datetime, history: list[Run]) -> None:
        on.begin()
        on.clock.move_to(begin)
        for run in history:
            play(on, run)
        assert billed() == existed(on)
        assert disagreements(emulated.items) == {}
        told.update(["histories"])
        told["runs"] += len(on.lives)
        told["seconds"] += sum(existed(on).values())
        on.end()

    billed_to_the_second()
    return told


@pytest.mark.parametrize("examples", [15, pytest.param(1000, marks=pytest.mark.prove)])
def test_each_second_that_a_task_existed_is_billed_exactly_once(examples, prepared):
    told = histories_are_billed(prepared, examples)
    line = f"{told['histories']:,} histories, {told['runs']:,} tasks, {told['seconds']:,} seconds"
    proof.record("Billing", f"{line}: each billed exactly once", cases=told["histories"])
