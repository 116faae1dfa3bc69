"""What follows from an end that nobody asked for: its cause is found, its member told, its server started again.

The transaction that closes the run notes that this is due (`open` and `dueAt` of the run), so that no death loses
it. It is done once the instance is at rest and its lock given back, by whoever closed the run, and else by the
minute's tick: reading a log may take long, or fail, and holds up nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog

from actions.billing.budget import refuse_start_if_spent
from actions.billing.pricing import month_of
from actions.errors import PlatformError, StartDelayed
from actions.instances.causes import GROWS, UNCLEAN, next_memory
from actions.instances.known_causes import Cause, Diagnosis, Known, explain, known
from actions.instances.launching import launch
from actions.instances.server_logs import known_secrets, masked_line
from actions.instances.sizes import next_larger
from actions.instances.starting import Again, is_at_rest_since, start_run
from actions.notices import tell
from services import clock
from services.aws import AWS_FAILURES
from services.counters import WHY
from services.dynamodb import ConditionFailed, transact
from services.instances import Instance, InstanceStatus, booked_now
from services.platform import Platform
from services.runs import EndCause, Run

_log = structlog.get_logger()
LINES_READ, LINES_KEPT = 200, 20
_AFTER_THE_CAUSE = 5  # of the lines that are kept
_LONGEST_LINE = 300
_LONGEST_READ = 2000  # characters of a line that are held against the causes
_CALLS = 3  # of FilterLogEvents: an account has few, and pages may be empty
LOG_SECONDS = 300  # after an end for which a log that cannot be read is tried again
MOST_TRIES = 3
WAIT_SECONDS = 120  # before the first; twice as long before each further one
_PASSES = (Cause.TOO_MANY_LOGINS, Cause.PULLED_TOO_OFTEN)


def follow_up(platform: Platform, run_id: str) -> None:
    """Do what follows from a run's end. What fails is left to the tick."""
    try:
        follow(platform, run_id)
    except (PlatformError, ConditionFailed, *AWS_FAILURES):
        _log.warning("what follows from an end waits for the tick", exc_info=True)


def steps(platform: Platform) -> list[Callable[[], bool]]:
    """A tick's steps, one for each end from which something follows by now; True if it started a server."""
    due = platform.runs.to_follow(clock.now())
    return [partial(follow, platform, run["runId"]) for run in due]


def follow(platform: Platform, run_id: str) -> bool:
    """Do what follows from a run's end, as far as it is due; True if that started its server.

    Repeating it is harmless. Raises ConditionFailed if somebody else did it.
    """
    run = platform.runs.find(run_id)
    if run is None or run.get("dueAt", clock.now() + 1) > clock.now():
        return False
    found = platform.instances.find(run["userId"])
    instance = found if found and found["instanceId"] == run["instanceId"] else None
    if "why" not in run:
        why = _find_cause(platform, run, instance)
        if why is None:
            return False  # its log cannot be read just now
        run = {**run, "why": why}
    if instance is None or instance["status"] == InstanceStatus.DESTROYING:
        transact(platform.runs.followed(run))
        return False
    plan = _plan(platform, run, instance)
    if run["tells"] and not run.get("told"):
        _tell(platform, run, instance, plan)
    if plan is None:
        transact(platform.runs.followed(run))
        return False
    if plan.at > clock.now():
        waiting = {"dueAt": plan.at, "told": True}
        transact(platform.runs.note_aftermath(run, waiting))
        return False
    return _start_again(platform, run, instance, plan)


@dataclass(frozen=True)
class _Plan:
    """When the server is started again, and with which memory unless with its member's choice."""

    at: int
    memory: int | None
    tries: int


def _find_cause(platform: Platform, run: Run, instance: Instance | None) -> str | None:
    """The cause, which is now noted with the run, counted and said by the instance; None if that has to wait."""
    lines: list[str] | None = []
    if instance and "task" in run:
        lines = _lines(platform, run, instance)
    found = _diagnosis(run, lines or [])
    by_log = found.known.cause in (Cause.LATE, Cause.UNKNOWN)
    if lines is None and by_log and clock.now() < run["endedAt"] + LOG_SECONDS:
        return None
    cause = found.known.cause
    kept = _kept(platform, run, instance, lines or [], found.line)
    noting = [
        platform.runs.note_aftermath(run, {"why": cause, **({"lines": kept} if kept else {})}),
        platform.counters.count_in(month_of(run["stoppedAt"]), run["userId"], {f"{WHY}{cause}": 1}),
    ]
    _log.info("an end was explained", details={"runId": run["runId"], "cause": cause})
    saying = _saying(platform, run, instance, found.known) if instance else None
    try:
        transact(*noting, *([saying] if saying else []))
    except ConditionFailed as refused:
        if 0 in refused.failed:
            raise
        transact(*noting)  # the server has been started meanwhile, or is being destroyed
    return cause


def _lines(platform: Platform, run: Run, instance: Instance) -> list[str] | None:
    """The last lines of the run's containers, the oldest first; None if they cannot be read just now."""
    try:
        found = platform.task_logs.newest(
            instance["instanceId"], run["requestedAt"] * 1000, LINES_READ, calls=_CALLS
        )
    except AWS_FAILURES:
        _log.warning("the log of a server cannot be read", exc_info=True)
        return None
    own = [event for event in found.read if event.task == run["task"]]
    lines = [line for event in own for line in event.message.splitlines()][-LINES_READ:]
    return [line[:_LONGEST_READ] for line in lines]


def _kept(
    platform: Platform, run: Run, instance: Instance | None, lines: list[str], cause: int | None
) -> list[str]:
    """The lines around the cause, or else the last, without secrets; none if those are not known."""
    if instance is None or not lines:
        return []
    try:
        secrets = known_secrets(platform, instance, run.get("licenseId"))
    except AWS_FAILURES:
        _log.warning("a log is not kept, since its secrets cannot be read", exc_info=True)
        return []
    until = len(lines) if cause is None else min(cause + _AFTER_THE_CAUSE, len(lines))
    return [
        masked_line(line, secrets)[:_LONGEST_LINE]
        for line in lines[max(until - LINES_KEPT, 0) : until]
    ]


def _diagnosis(run: Run, lines: list[str]) -> Diagnosis:
    return explain(run["said"], run["codes"], lines, late=run["late"])


def _saying(platform: Platform, run: Run, instance: Instance, why: Known) -> Any:
    """The operation by which the instance says why, if it is still at rest after that run."""
    values: dict[str, Any] = {"failure": {"runId": run["runId"], **why.shown}}
    if why.cause != Cause.UNKNOWN:
        unclean = f" {UNCLEAN}" if run.get("clean") is False else ""
        values["reason"] = f"{why.sentence}{unclean}"
    memory = next_memory(platform, run, why)
    if memory is not None:
        values["nextMemory"] = memory
    return platform.instances.change(instance, is_at_rest_since(run), values)


def _plan(platform: Platform, run: Run, instance: Instance) -> _Plan | None:
    """When the server starts again by itself: once with more memory, a few times while something passes.

    A session sees to its own server, and who has started the server meanwhile has done so.
    """
    now, tries = clock.now(), run.get("tries", 0)
    if run["startsAgain"] or booked_now(instance, now) or not _rests_after(run, instance):
        return None
    if run["why"] in GROWS and not run.get("grown"):
        memory = next_larger(platform.settings, run["memory"])
        return _Plan(now, memory, tries) if memory else None
    if run["why"] in _PASSES and tries < MOST_TRIES:
        grown = run["memory"] if run.get("grown") else None
        return _Plan(worth_trying_at(run, tries), grown, tries + 1)
    return None


def worth_trying_at(run: Run, tries: int) -> int:
    """From when the server of a run that has ended is worth starting again, after so many starts by itself."""
    return run["endedAt"] + (WAIT_SECONDS << tries if run.get("why") in _PASSES else 0)


def last_failed_run(platform: Platform, instance: Instance) -> Run | None:
    """The run after whose end, which nobody asked for, the server rests; None if it was another or has started."""
    run = platform.runs.find(instance["failedRun"]) if "failedRun" in instance else None
    return run if run and _rests_after(run, instance) else None


def _rests_after(run: Run, instance: Instance) -> bool:
    return (
        instance["status"] == InstanceStatus.STOPPED
        and instance.get("lastStarted", 0) <= run["requestedAt"]
    )


def _start_again(platform: Platform, run: Run, instance: Instance, plan: _Plan) -> bool:
    """Start the server as its member would, with all that lets and forbids that."""
    try:
        refuse_start_if_spent(platform, instance)
        lock = start_run(platform, instance, again=Again(run, plan.memory, plan.tries))
        if lock is None:
            transact(platform.runs.followed(run))  # its member, or somebody else, was quicker
            return False
        with lock:
            launch(lock)
    except StartDelayed:
        pass  # it is decided
    except PlatformError as error:
        _log.info("a server is not started again", details={"runId": run["runId"]}, exc_info=True)
        with suppress(ConditionFailed):  # if it was decided, the end of its own run is told of
            transact(platform.runs.followed(run), _refused(platform, run, instance, error.message))
            message = f"Your server was not started again: {error.message}"
            tell(platform, "start-failed", instance, message, f"{run['runId']}:again")
        return False
    return True


def _refused(platform: Platform, run: Run, instance: Instance, why: str) -> Any:
    reason = f"{known(run['why']).sentence} It was not started again: {why}"
    return platform.instances.change(instance, is_at_rest_since(run), {"reason": reason})


def _tell(platform: Platform, run: Run, instance: Instance, plan: _Plan | None) -> None:
    """Tell the member of the end, once: why it was, and what helps."""
    row = known(run["why"])
    why = instance.get("reason", row.sentence) if row.cause == Cause.UNKNOWN else row.sentence
    crashed = run["endedBy"] == EndCause.CRASH
    what = [_what_helps(platform, run, row, plan)]
    if run["startsAgain"]:
        what.append("It starts again for your session.")
    elif plan is None and crashed:
        what.append("You can start it again.")
    begins = "Your server has stopped" if crashed else "Your server did not start"
    saved = ["Its worlds are as Foundry last saved them."] if crashed else []
    message = " ".join(filter(None, [f"{begins}: {why}", *what, *saved]))
    facts = {"cause": row.cause, "remedy": row.remedy}
    kind = "crashed" if crashed else "start-failed"
    tell(platform, kind, instance, message, f"{run['runId']}:ended", **facts)


def _what_helps(platform: Platform, run: Run, row: Known, plan: _Plan | None) -> str:
    if plan and row.cause in GROWS:
        return f"It starts again, this once with {plan.memory} MiB; set-size makes that last."
    if plan:
        minutes = max(plan.at - clock.now(), 0) // 60 + 1
        return f"It is tried again in {minutes} minutes."
    if row.remedy == "set-size":
        larger = next_larger(platform.settings, run["memory"])
        had = f"it had {run['memory']} MiB"
        return f"Give it more with set-size: {had}." if larger else f"Tell the operator: {had}."
    if row.remedy in ("", "start-instance"):
        failed = run["endedBy"] == EndCause.FAILURE
        return "Try again; tell the operator if it stays so." if failed else ""
    return f"What helps is {row.remedy}."
