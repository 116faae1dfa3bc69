"""What follows from a task's state: ECS's event and the tick both come here.

Each task of a function is a run of its own, known by the task's id: opened when ECS first shows that it runs,
closed and billed once when ECS says that it has stopped, in the transaction that notes so in the function.
"""

from __future__ import annotations

import re
from typing import Any

import structlog

from actions.billing.budget import warn_if_near
from actions.functions.billing import close_run, rate_of
from actions.functions.carrying_out import ARRIVAL_SECONDS, carry_out_soon
from actions.functions.diagnosis import is_failure, is_passing, why
from actions.functions.jobs import observe_job, settle_stray
from actions.retrying import retry_on_conflict
from services import clock
from services.dynamodb import Attr, Operation, transact
from services.ecs import Task
from services.platform import Platform
from services.runs import Run
from services.tenant_functions import Function, SeenTask, is_deleted

_log = structlog.get_logger()
MOST_FAILURES = 5  # in a row, after which nothing more of the function runs until it is changed
LONG_LIFE_SECONDS = 300  # who has run for so long failed for another reason than who came before
_SEEN_AGAIN_SECONDS = 600
_SERVICE = "service:"
_OPERATORS = re.compile(
    r"arn:|[0-9]{12}|amazonaws"
)  # things that are nobody's business but the operator's


def observe(platform: Platform, task: Task) -> None:
    """Let a function, or an invocation, follow a task. Raises Contended if others change it all the while."""
    if not task.group.startswith(_SERVICE):
        retry_on_conflict(lambda: observe_job(platform, task))
        return
    name = task.group.removeprefix(_SERVICE)
    if retry_on_conflict(lambda: _observed(platform, name, task)):
        function = platform.tenant_functions.of_service(name)
        if function:
            if function.get("applied") != function["generation"] and not is_deleted(function):
                carry_out_soon(platform, function)
            warn_if_near(platform, function["userId"])


def _observed(platform: Platform, service: str, task: Task) -> bool:
    """One attempt; True if the task's end was noted by it."""
    function = platform.tenant_functions.of_service(service)
    if function is None:
        _log.info("a task that is none of the platform's functions", details={"task": task.arn})
        return False
    run = platform.runs.find(task.id)
    if run and "stoppedAt" in run:
        settle_stray(platform, run, task)
        return False
    if task.status in ("RUNNING", "STOPPED") and run is None:
        run = _open(platform, function, task)
        function = platform.tenant_functions.of_service(service) or function
    if run is None:
        _note_wait(platform, function, task)
        return False
    if task.status == "STOPPED":
        _close(platform, function, run, task)
        return True
    _note_seen(platform, function, task)
    return False


def _open(platform: Platform, function: Function, task: Task) -> Run:
    # What it has, and not what the function was changed to meanwhile.
    cpu, memory = task.cpu or function["cpu"], task.memory or function["memory"]
    now = clock.now()
    run: Run = {
        "runId": task.id,
        "userId": function["userId"],
        "instanceId": function["functionId"],
        "kind": "function",
        "cpu": cpu,
        "memory": memory,
        "rate": rate_of(platform, cpu, memory),
        "requestedAt": task.created_at or now,
        "startedAt": task.pulled_from or task.started_at or task.stopped_at or now,
    }
    values: dict[str, Any] = {"tasks": {**function["tasks"], task.id: _as_seen(task, now)}}
    if "due" not in function:  # nobody looks at it any more: the task is told of late
        values |= {"due": platform.tenant_functions.due, "dueAt": now + ARRIVAL_SECONDS}
    transact(noted(platform, function, values), platform.runs.begin(run))
    return run


def _close(platform: Platform, function: Function, run: Run, task: Task) -> None:
    started = task.pulled_from or task.started_at or run["startedAt"]
    stopped = max(task.stopped_at or clock.now(), started)
    if task.pulled_from is None and task.started_at is None:
        started = stopped  # its image was never fetched: AWS bills nothing
    close_run(
        platform,
        run,
        (started, stopped),
        noted(platform, function, *_after(function, task, stopped - (task.started_at or stopped))),
    )


def _after(function: Function, task: Task, seconds: int) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What is noted of the function when one of its tasks has ended."""
    left = {task_id: seen for task_id, seen in function["tasks"].items() if task_id != task.id}
    values: dict[str, Any] = {"tasks": left}
    if is_passing(task):
        return values | {"reason": why(task)}, ()
    if not is_failure(task) or is_deleted(function):
        return values, ()
    lived_long = seconds >= LONG_LIFE_SECONDS
    failures = 1 if lived_long else function["failures"] + 1
    values |= {"failures": failures, "reason": why(task)}
    if failures >= MOST_FAILURES and "heldBack" not in function:
        values |= {"heldBack": "failing", "generation": function["generation"] + 1}
        values |= {"due": "function", "dueAt": clock.now()}
    return values, ()


def _note_wait(platform: Platform, function: Function, task: Task) -> None:
    """Note why a task is still coming up, if ECS says so of its container, and not of the operator's things."""
    said = " ".join(task.reasons)[:300]
    if said and not _OPERATORS.search(said) and function.get("reason") != said:
        platform.tenant_functions.apply_update(noted(platform, function, {"reason": said}))


def _note_seen(platform: Platform, function: Function, task: Task) -> None:
    known, now = function["tasks"].get(task.id), clock.now()
    seen = _as_seen(task, now)
    if (
        known
        and known.get("ending") == seen.get("ending")
        and "missedAt" not in known
        and now - known["seenAt"] < _SEEN_AGAIN_SECONDS
    ):
        return
    tasks = {**function["tasks"], task.id: seen}
    platform.tenant_functions.apply_update(noted(platform, function, {"tasks": tasks}))


def _as_seen(task: Task, now: int) -> SeenTask:
    seen: SeenTask = {"arn": task.arn, "seenAt": now}
    if task.desired_status == "STOPPED" or task.status == "STOPPED":
        seen["ending"] = True
    return seen


def noted(
    platform: Platform, function: Function, values: dict[str, Any], removed: tuple[str, ...] = ()
) -> Operation:
    """The operation that notes what is known of the function's tasks, if it is still as it was read."""
    as_read = Attr("seen").eq(function["seen"]) & Attr("generation").eq(function["generation"])
    values = {**values, "seen": function["seen"] + 1}
    return platform.tenant_functions.change(function, as_read, values, removed)
