"""The same stories while AWS answers late, leaves things out and refuses: they end as in good health.

Part of the cases have a fault besides. A story is asked for until it is under way; the ticks do the rest, some of
them while AWS still ails.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

import pytest

from tests import proof
from tests.aws_calls import AWS, DIES_BEFORE, MODES, Call
from tests.faults.copies import CopyFailed, fail_if_broken, in_a_copy, in_copies
from tests.faults.disturbing import (
    Undisturbed,
    is_done,
    is_there_already,
    mend,
    undisturbed,
    unlike,
)
from tests.faults.inventory import inventory
from tests.faults.scenario import PREPARE, TICK, Scenario
from tests.faults.scenarios import SCENARIOS
from tests.faults.stage import TICK_SECONDS, Stage, succeeded
from tests.lagging.lag import AILMENTS, LAG, NO_ROOM
from tests.world import sample

SECTION = "Each story while AWS lags"
SAMPLE, FULL = (2, 1), (60, 60)  # seeds without and with a fault besides
TRIES, MINUTE = 9, 60  # what a dead process held has run out by then, and is not yet undone
# Of five minutes; the latter are an hour and a hold that runs out.
AILING_TICKS, HEALTHY_TICKS = 6, 14
WITH_ROOM = [
    a for a in AILMENTS if a != NO_ROOM
]  # what has no room for a quarter of an hour is given up, rightly
# Cases that have found something, of stories by name: played each time.
FOUND = {"wake": ((18, (Call("dynamodb.GetItem", 3), DIES_BEFORE)),)}
ENDS_ASKING = ("RESOURCE_NOT_FOUND",)


@dataclass(frozen=True)
class Case:
    """How AWS ails in a story, by seed, and what fails besides."""

    scenario: Scenario
    seed: int
    fault: tuple[Call, str] | None

    def __str__(self) -> str:
        fault = (
            f", {self.fault[0].name} #{self.fault[0].nth + 1} {self.fault[1]}" if self.fault else ""
        )
        return f"{self.scenario.name}: seed {self.seed}{fault}"


def cases_of(scenario: Scenario, calls: tuple[Call, ...], size: tuple[int, int]) -> Iterator[Case]:
    """So many cases without and with a fault; the same ones each time."""
    chances = Random(scenario.name)  # noqa: S311 - always the same
    for seed in range(size[0]):
        yield Case(scenario, seed, None)
    for seed in range(size[1]):
        yield Case(scenario, seed, (chances.choice(calls), chances.choice(MODES)))
    for seed, fault in FOUND.get(scenario.name, ()):
        yield Case(scenario, seed, fault)


def lagging(stage: Stage, case: Case, wanted: Undisturbed) -> None:
    """Play the story; raises AssertionError if it ends otherwise, or something happened twice on the way."""
    LAG.begin(case.seed, *AILMENTS)
    AWS.prepare(case.fault)
    if case.scenario.asks not in ("", TICK):
        _insist(stage, case.scenario)
    _tick(stage)
    LAG.begin(case.seed, *WITH_ROOM)
    for _ in range(AILING_TICKS - 1):
        _tick(stage)
    AWS.end()
    LAG.end()
    mend(stage, case.scenario)
    for _ in range(HEALTHY_TICKS):
        _tick(stage)
        if is_done(stage) and not stage.late:
            break
    stage.passes(TICK_SECONDS)
    stage.tick()
    _schedule_goes_on(stage, case.scenario)
    different = unlike(case.scenario, wanted.after, inventory())
    assert not different, different


def _well(stage: Stage, scenario: Scenario) -> Undisturbed:
    """The story in good health."""
    done = undisturbed(stage, scenario)
    _schedule_goes_on(stage, scenario)
    return replace(done, after=inventory())


def _schedule_goes_on(stage: Stage, scenario: Scenario) -> None:
    """A session is prepared step by step, minute after minute; the last one finds its server up."""
    if scenario.asks == PREPARE:
        stage.passes(MINUTE)
        stage.does(PREPARE)


def _insist(stage: Stage, scenario: Scenario) -> None:
    """The member asks again at once, then each minute, until it is under way or what it was about is gone.

    The schedule asks each minute, whatever it is answered.
    """
    request = scenario.request()
    is_schedule = request["action"] == PREPARE
    for number in range(TRIES):
        unhurt = AWS.fault_happened
        answer = stage.call(request)
        code = answer.get("errorCode") if answer else "no answer"
        _is_no_riddle(code, unhurt=unhurt)
        is_under_way = succeeded(answer) or code in ENDS_ASKING or is_there_already(answer)
        if is_under_way and not is_schedule:
            return
        if number or is_schedule:
            _carry_on(stage)
            stage.passes(MINUTE)
        request = scenario.repeated(request)


def _tick(stage: Stage) -> None:
    """Five minutes pass, in which ECS carries on, events arrive and the schedule calls."""
    _carry_on(stage)
    stage.passes(TICK_SECONDS)
    _carry_on(stage)
    stage.call(sample(TICK))


def _carry_on(stage: Stage) -> None:
    """What is on its way arrives, and what failed comes once more."""
    stage.go_on()
    stage.pending, stage.failed = stage.failed, []
    stage.go_on()
    stage.failed.clear()


def _is_no_riddle(code: str | None, *, unhurt: bool) -> None:
    """AWS being busy is no reason for telling a member of an internal error."""
    assert code != "INTERNAL_ERROR" or (AWS.fault_happened and not unhurt), "INTERNAL_ERROR"


def survive(stage: Stage, scenario: Scenario, size: tuple[int, int]) -> tuple[int, list[str]]:
    """Play a story's cases; returns how many there were and what was said of those that are broken."""

    def all_cases(stage: Stage) -> tuple[int, list[str]]:
        scenario.before(stage)
        wanted = in_a_copy(lambda told: _well(stage, told), scenario)
        cases = list(cases_of(scenario, wanted.calls, size))
        outcomes = in_copies(lambda case: lagging(stage, case, wanted), cases)
        return len(cases), [str(o) for _, o in outcomes if isinstance(o, CopyFailed)]

    return stage.copy(all_cases)


def report(scenario: Scenario, outcome: tuple[int, list[str]]) -> None:
    """Note how many cases there were; fail if one is broken."""
    count, broken = outcome
    fail_if_broken(broken, count)
    proof.record(SECTION, f"{scenario.name}: {count} times", cases=count)


scenarios = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


@scenarios
def test_a_story_ends_as_in_good_health(scenario, stage):
    report(scenario, survive(stage, scenario, SAMPLE))


@pytest.mark.prove
@scenarios
def test_a_story_ends_as_in_good_health_however_aws_ails(scenario, stage):
    report(scenario, survive(stage, scenario, FULL))
