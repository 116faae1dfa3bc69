"""ECS's events come in any order, twice and late: the instance ends as it does in their natural order."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from itertools import combinations, permutations
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests import proof
from tests.faults.copies import CopyFailed, in_a_copy, in_copies
from tests.faults.inventory import Inventory, differences, inventory
from tests.faults.of_files import being_saved
from tests.faults.scenarios import running, starting
from tests.faults.stage import FILES, HOLD_SECONDS, Event, Stage, succeeded

NATURAL = (
    "PROVISIONING",
    "PENDING",
    "ACTIVATING",
    "RUNNING",
    "DEACTIVATING",
    "STOPPING",
    "DEPROVISIONING",
    "STOPPED",
)
MATTERING = ("PENDING", "RUNNING", "STOPPING", "STOPPED")
# Of the rest, what a destroyed server leaves is compared by test_each_call_fails.py.
WHAT_EVENTS_CHANGE = (
    "tables",
    "bills",
    "books",
    "tasks",
    "saved",
    "access points",
    "target groups",
    "rules",
)
SECTION = "Events in any order"

Order = tuple[int, ...]


def task_events(stage: Stage, statuses: Sequence[str] = NATURAL) -> list[Event]:
    """The one living task goes through `statuses`; the events of it, none of which has arrived."""
    (arn,) = (task.task_arn for task in stage.alive())
    return [_reached(stage, arn, status) for status in statuses]


def _reached(stage: Stage, arn: str, status: str) -> Event:
    stage.clock.tick(20)
    if status == "RUNNING":
        return stage.ecs.up(arn)
    if status == "STOPPED":
        return stage.ecs.ended(arn, exit_code=137, reason="Essential container in task exited")
    more = {"pull_started_at": datetime.now(UTC)} if status == "PENDING" else {}
    return stage.ecs.becomes(arn, status, **more)


def ended_by_itself(stage: Stage, statuses: Sequence[str]) -> list[Event]:
    """A server was started and crashed."""
    starting(stage)
    return task_events(stage, statuses)


def stopped_by_its_member(stage: Stage, statuses: Sequence[str]) -> list[Event]:
    """A server was started and stopped at once; the order to carry that out is among the events."""
    starting(stage)
    stage.asks("stop-instance")
    orders, stage.pending = stage.pending, []
    return orders + task_events(stage, statuses)


def destroyed_by_its_member(stage: Stage, statuses: Sequence[str]) -> list[Event]:
    """A server was started and destroyed at once."""
    starting(stage)
    stage.asks("destroy-instance")
    return task_events(stage, statuses)


def started_again(stage: Stage, statuses: Sequence[str]) -> list[Event]:
    """A server ran, ended and runs again; all events of the first run come once more."""
    running(stage)
    first = task_events(stage, statuses)
    stage.pending.append(first[-1])
    stage.go_on()
    stage.asks("start-instance")
    return first + task_events(stage, statuses[: statuses.index("RUNNING") + 1])


def saved_after_its_stop(stage: Stage, statuses: Sequence[str]) -> list[Event]:
    """A server has stopped, and a task saves it."""
    being_saved(stage)
    (task,) = stage.alive()
    FILES.carry_out(task.task_arn)
    return task_events(stage, statuses)


def saved_until_it_was_wanted(stage: Stage, statuses: Sequence[str]) -> list[Event]:
    """A server was started while a task was about to save it, which ends without having done so."""
    being_saved(stage)
    (task,) = stage.alive()
    stage.ecs.becomes(task.task_arn, "PENDING")
    stage.asks("start-instance")
    return task_events(stage, statuses)


Story = Callable[[Stage, Sequence[str]], list[Event]]
STORIES: tuple[Story, ...] = (
    ended_by_itself,
    stopped_by_its_member,
    destroyed_by_its_member,
    started_again,
    saved_after_its_stop,
    saved_until_it_was_wanted,
)
stories = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.__name__)


def after(stage: Stage, events: Sequence[Event]) -> Inventory:
    """All there is when `events` have arrived in this order, those not carried out again and again."""
    for event in events:
        if not succeeded(stage.call(event)):
            stage.failed.append(event)
    stage.go_on()
    for _ in range(5):
        stage.clock.tick(HOLD_SECONDS)
        stage.pending, stage.failed = stage.failed, []
        stage.go_on()
    assert not stage.failed
    return inventory(*WHAT_EVENTS_CHANGE)


def orders(count: int, twice: int) -> Iterator[Order]:
    """Every order of `count` events of which up to `twice` come twice."""
    for extra in range(twice + 1):
        for doubled in combinations(range(count), extra):
            yield from sorted(set(permutations((*range(count), *doubled))))


def ends_alike(stage: Stage, story: Story, twice: int = 0, sample: int | None = None) -> int:
    """Play a story's events in every order, or in so many of them; returns how many orders that were."""

    def all_orders(stage: Stage) -> int:
        events = story(stage, MATTERING)
        wanted = in_a_copy(lambda told: after(stage, told), events)
        chosen = list(orders(len(events), twice))
        if sample:
            chosen = Random(story.__name__).sample(chosen, sample)  # noqa: S311 - always the same

        def different(order: Order) -> str:
            return differences(wanted, after(stage, [events[i] for i in order]))

        for order, difference in in_copies(different, chosen):
            if isinstance(difference, CopyFailed):
                raise difference
            assert not difference, f"{[_name(events[i]) for i in order]}\n{difference}"
        return len(chosen)

    return stage.copy(all_orders)


def any_order_ends_alike(stage: Stage, story: Story, examples: int) -> None:
    """Play all events of a story in `examples` random orders, some of them several times."""

    def random_orders(stage: Stage) -> None:
        events = story(stage, NATURAL)
        wanted = in_a_copy(lambda told: after(stage, told), events)
        places = range(len(events))
        more = st.lists(st.sampled_from(places), max_size=5)

        @settings(max_examples=examples, deadline=None, derandomize=True, database=None)
        @given(more.flatmap(lambda again: st.permutations([*places, *again])))
        def ends_alike(order: list[int]) -> None:
            found = in_a_copy(lambda told: after(stage, told), [events[i] for i in order])
            assert not differences(wanted, found)

        ends_alike()

    stage.copy(random_orders)


def _name(event: Event) -> str:
    return str(event.get("action") or event["detail"]["lastStatus"])


def _words(story: Story) -> str:
    return "a server " + story.__name__.replace("_", " ")


@stories
def test_some_orders_of_the_events_that_matter_end_as_the_natural_one(story, stage):
    count = ends_alike(stage, story, sample=4)
    proof.record(SECTION, f"{_words(story)}: {count} orders of the events that matter", cases=count)


@stories
def test_a_few_random_orders_of_all_events_end_as_the_natural_one(story, stage):
    any_order_ends_alike(stage, story, examples=2)
    proof.record(SECTION, f"{_words(story)}: 2 random orders of all events", cases=2)


@pytest.mark.prove
@stories
def test_every_order_of_the_events_that_matter_ends_as_the_natural_one(story, stage):
    twice = 2 if story is ended_by_itself else 0
    count = ends_alike(stage, story, twice)
    also = ", up to two of them twice" if twice else ""
    line = f"{_words(story)}: all {count} orders of the events that matter{also}"
    proof.record(SECTION, line, cases=count)


@pytest.mark.prove
@stories
def test_many_random_orders_of_all_events_end_as_the_natural_one(story, stage):
    any_order_ends_alike(stage, story, examples=150)
    proof.record(SECTION, f"{_words(story)}: 150 random orders of all events", cases=150)
