"""One story with one fault: what was disturbed, how it recovers, and what is then different."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.aws_calls import AWS, DIES_AFTER, DIES_BEFORE, MODES, Call
from tests.faults.copies import in_a_copy
from tests.faults.inventory import (
    Inventory,
    differences,
    inventory,
    items,
    regardless_of_races,
    regardless_of_repeats,
    without,
)
from tests.faults.scenario import PREPARE, TICK, OfFiles, OfFunctions, Scenario, functions_are_done
from tests.faults.stage import HOLD_SECONDS, TICK_SECONDS, Answer, Event, Stage, succeeded
from tests.world import sample

TICKS = (
    10  # enough for the longest way: a hold runs out, a task stops, its files are erased, all goes
)
PREPARE_MINUTES = 14  # from then on it is too late to start a session's server

REPEATED = "repeated"  # the caller asks again, Lambda and EventBridge deliver again
TICKS_ONLY = "ticks only"  # nobody asks again, what failed is lost, later events arrive
SILENCE = "silence"  # not even events arrive: only the schedule calls


@dataclass(frozen=True)
class Case:
    """One fault in one story, and the way in which it recovers."""

    scenario: Scenario
    call: Call
    mode: str
    recovery: str

    def __str__(self) -> str:
        call = f"{self.call.name} #{self.call.nth + 1}"
        return f"{self.scenario.name}: {call} {self.mode}, {self.recovery}"


@dataclass(frozen=True)
class Mended:
    """How a case recovered. `needed_tick` says that repeating alone did not suffice."""

    needed_tick: bool = False


@dataclass(frozen=True)
class Undisturbed:
    """A story as it should be: what comes of it, what there is if it is never asked for, and its calls."""

    before: Inventory  # of the tables only
    unasked: Inventory
    after: Inventory
    calls: tuple[Call, ...]


def cases_of(scenario: Scenario, calls: tuple[Call, ...]) -> list[Case]:
    """Every call, failing in every mode, with every recovery that the story knows."""
    recoveries: tuple[str, ...] = (REPEATED, TICKS_ONLY, SILENCE)
    if scenario.asks == TICK:
        recoveries = (SILENCE,)
    elif scenario.asks == PREPARE or scenario.resumed:
        recoveries = (REPEATED,)
    return [Case(scenario, c, mode, r) for c in calls for mode in MODES for r in recoveries]


def undisturbed(stage: Stage, scenario: Scenario) -> Undisturbed:
    """Play the story without a fault."""
    before, unasked = inventory("tables"), in_a_copy(_unasked, stage)
    AWS.prepare()
    assert _tell(stage, scenario) is None
    assert not stage.failed
    assert scenario.status() == scenario.ends, scenario.status()
    calls = tuple(AWS.calls)
    if scenario.asks == PREPARE:
        _begin_session(stage)
    return Undisturbed(before, unasked, inventory(), calls)


def _begin_session(stage: Stage) -> None:
    """The schedule calls once more, which finds the server up."""
    stage.clock.tick(60)
    assert succeeded(stage.call(sample(PREPARE)))
    stage.go_on()


def _unasked(stage: Stage) -> Inventory:
    stage.go_on()
    return inventory()


def disturbed(stage: Stage, case: Case, wanted: Undisturbed) -> Mended:
    """Play the story with the fault and let it recover; raises AssertionError if that leaves anything else."""
    AWS.prepare((case.call, case.mode))
    request = _tell(stage, case.scenario, lambda: AWS.fault_happened)
    assert AWS.fault_happened, "the call did not come"
    if case.scenario.asks == PREPARE:
        _each_minute(stage, case.scenario, lambda: False)
        # A start that was decided for a session is the other schedule's to finish.
        _only_ticks(stage)
        _begin_session(stage)
        _compare(case.scenario, wanted.after)
        return Mended()
    if case.recovery == REPEATED:
        _repeat(stage, case.scenario, request, died=case.mode in (DIES_BEFORE, DIES_AFTER))
        needed_tick = inventory("tables") != {"tables": wanted.after["tables"]}
        _only_ticks(stage)
        mend(stage, case.scenario)
        _compare(case.scenario, wanted.after)
        return Mended(needed_tick and not case.scenario.ticked)
    left_undone = _is_left_undone(case.scenario, wanted)
    _only_ticks(stage, silent=case.recovery == SILENCE)
    if request and left_undone:
        _compare(case.scenario, wanted.unasked)
        assert succeeded(stage.call(case.scenario.repeated(request)))
        stage.go_on()
        if case.scenario.ticked:
            _only_ticks(stage)
    mend(stage, case.scenario)
    _compare(case.scenario, wanted.after)
    return Mended()


def mend(stage: Stage, scenario: Scenario) -> None:
    """A function that says that secret values did not arrive is sent them again."""
    is_missing = any(item.get("secretMissing") for item in items("functions"))
    if is_missing and isinstance(scenario, OfFunctions):
        assert succeeded(stage.call(scenario.mending()))
        stage.go_on()
        _only_ticks(stage)


def _compare(scenario: Scenario, wanted: Inventory) -> None:
    different = unlike(scenario, wanted, inventory())
    assert not different, different


def unlike(scenario: Scenario, wanted: Inventory, found: Inventory) -> str:
    """What is different in what `scenario` says of itself."""
    how_it_ended = ("clean", "reason") if scenario.late else ()
    sides = [without(side, how_it_ended) for side in (wanted, found)]
    if scenario.again:
        sides = [regardless_of_repeats(side) for side in sides]
    if isinstance(scenario, OfFiles) and scenario.races:
        sides = [regardless_of_races(side) for side in sides]
    return differences(*sides)


def _tell(
    stage: Stage, scenario: Scenario, stop: Callable[[], bool] = lambda: False
) -> Event | None:
    """Play the story up to its end or until `stop`; returns what was asked if that failed."""
    request = None
    if scenario.asks == PREPARE:
        _each_minute(stage, scenario, stop)
    elif scenario.asks == TICK:
        while scenario.status() != scenario.ends and not stop():
            stage.clock.tick(TICK_SECONDS)
            stage.call(sample(TICK))
            stage.silently()
    else:
        asked = scenario.request() if scenario.asks else None
        request = None if asked is None or succeeded(stage.call(asked)) else asked
        stage.go_on(stop)
    if scenario.ticked and not stop():
        _only_ticks(stage, stop=stop)
    return request


def _each_minute(stage: Stage, scenario: Scenario, stop: Callable[[], bool]) -> None:
    """The schedule that prepares sessions calls, and what failed comes again."""
    for _ in range(PREPARE_MINUTES):
        if scenario.status() == scenario.ends or stop():
            return
        stage.clock.tick(60)
        stage.call(sample(PREPARE))
        stage.pending, stage.failed = stage.failed + stage.pending, []
        stage.go_on(stop)


def _is_left_undone(scenario: Scenario, wanted: Undisturbed) -> bool:
    """Whether nobody but the caller can know what was asked: it failed before it was decided, or the
    caller's secrets, or input, went with it.
    """
    how_far = set((scenario.status() or "").split(", "))
    is_lost = scenario.undone and how_far & {"creating", "asked for"}
    return bool(is_lost) or inventory("tables") == wanted.before


def _repeat(stage: Stage, scenario: Scenario, request: Event | None, *, died: bool) -> None:
    """The caller asks again and failed events come again, until both are content; three times at most."""
    if died:
        stage.go_on()  # what ECS does meanwhile finds the dead process's hold
    for wait in (HOLD_SECONDS if died else 1, HOLD_SECONDS, HOLD_SECONDS):
        stage.clock.tick(wait)
        if request:
            answer = stage.call(scenario.repeated(request))
            said = answer.get("errorCode") if answer else "no answer"
            assert said in (None, "RESOURCE_CONFLICT", "RESOURCE_NOT_FOUND"), answer
            is_refused = said == "RESOURCE_CONFLICT" and not is_there_already(answer)
            request = request if is_refused else None
        stage.pending, stage.failed = stage.failed + stage.pending, []
        stage.go_on()
        if not request and not stage.failed:
            return
    stage.failed.clear()


def _only_ticks(
    stage: Stage, *, silent: bool = False, stop: Callable[[], bool] = lambda: False
) -> None:
    """The schedule calls until all is done, and once more; `silent` when nothing else reaches the function."""
    for _ in range(TICKS):
        if silent:
            stage.silently()
        else:
            stage.go_on(stop)
        if stop():
            return
        stage.failed.clear()  # nobody repeats these
        done = is_done(stage)
        stage.passes(TICK_SECONDS)
        answer = stage.call(sample(TICK))
        assert succeeded(answer) or stop(), answer
        if done or stop():
            return


def is_done(stage: Stage) -> bool:
    """Whether every instance is gone, at rest or running as its task is, and nothing more will move."""
    instances = items("instances")
    waiting = [i for i in instances if "due" in i and (i["status"] != "running" or "worker" in i)]
    up = sum(instance["status"] == "running" for instance in instances)
    is_still = not stage.moving() and up == len(stage.alive())
    following = any(run.get("open") == "follow" for run in items("runs"))
    return (
        not waiting
        and not following
        and is_still
        and stage.functions_are_settled()
        and functions_are_done()
    )


def is_there_already(answer: Answer | None) -> bool:
    """Whether what was to be made is there: somebody else's, or made by the same request before."""
    return answer is not None and "already exists" in answer.get("error", "")
