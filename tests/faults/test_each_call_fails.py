"""Whatever call to AWS fails, before its effect or after it, and wherever the process dies: it heals."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import pytest

from tests import proof
from tests.faults.copies import CopyFailed, fail_if_broken, in_a_copy, in_copies
from tests.faults.disturbing import Mended, cases_of, disturbed, undisturbed
from tests.faults.scenario import Scenario
from tests.faults.scenarios import SCENARIOS
from tests.faults.stage import Stage

SAMPLE = 3  # cases per story in `make test`, always the same ones
SECTION = "Each call fails"

scenarios = pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)


@dataclass(frozen=True)
class Figures:
    """What came of a story's cases."""

    calls: int
    cases: int
    needed_tick: int
    broken: tuple[str, ...]


def disturb(stage: Stage, scenario: Scenario, sample: int | None = None) -> Figures:
    """Play a story with every fault, or with so many of them."""

    def all_cases(stage: Stage) -> Figures:
        scenario.before(stage)
        wanted = in_a_copy(lambda told: undisturbed(stage, told), scenario)
        cases = cases_of(scenario, wanted.calls)
        if sample:
            cases = Random(scenario.name).sample(cases, sample)  # noqa: S311 - always the same
        outcomes = list(in_copies(lambda case: disturbed(stage, case, wanted), cases))
        broken = [str(o) for _, o in outcomes if isinstance(o, CopyFailed)]
        needed = sum(isinstance(o, Mended) and o.needed_tick for _, o in outcomes)
        return Figures(len(wanted.calls), len(cases), needed, tuple(broken))

    return stage.copy(all_cases)


def report(scenario: Scenario, figures: Figures) -> None:
    """Note how many cases ran; fail if one is broken."""
    fail_if_broken(figures.broken, figures.cases)
    ticked = f", {figures.needed_tick} of them mended by the next tick after a repeat"
    proof.record(
        SECTION,
        f"{scenario.name}: {figures.calls} calls to AWS, {figures.cases} faults"
        + (ticked if figures.needed_tick else ""),
        cases=figures.cases,
    )


@scenarios
def test_some_faults_leave_what_the_undisturbed_run_leaves(scenario, stage):
    report(scenario, disturb(stage, scenario, SAMPLE))


@pytest.mark.prove
@scenarios
def test_every_fault_leaves_what_the_undisturbed_run_leaves(scenario, stage):
    report(scenario, disturb(stage, scenario))
