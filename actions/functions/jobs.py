"""Invocations from their decision to their end: a task of its own each, which is a run and has a bill."""

from __future__ import annotations

from typing import Any

import structlog

from actions.billing.budget import warn_if_near
from actions.billing.pricing import run_cost
from actions.functions.billing import close_run
from actions.functions.diagnosis import exit_code_of, why
from actions.functions.telling import tell_of_job
from actions.instances.ending import (
    CONSISTENCY_SECONDS,
    MISSED_AGAIN_SECONDS,
    MISSING,
    REMEMBERED_SECONDS,
    is_missing_for_long,
    missed,
)
from actions.instances.strays import bill_rest
from services import clock
from services.dynamodb import ConditionFailed, transact
from services.ecs import Task
from services.ecs_services import Look
from services.platform import Platform
from services.runs import Run
from services.tenant_functions import Job

_log = structlog.get_logger()
LONGEST_SECONDS = 6 * 3600  # what an invocation may take
ARRIVAL_SECONDS = 120
_LOOK_AGAIN_SECONDS = 880
_OF_THE_WORK = ("due", "dueAt", *MISSING)
_NEVER_BEGUN = "It could not be started; invoke it again."
_LOST = "AWS shows nothing of its task any more."
_TOO_LONG = f"It took longer than {LONGEST_SECONDS // 3600} hours."


def observe_job(platform: Platform, task: Task) -> None:
    """Let an invocation follow its task."""
    run = platform.runs.find(task.started_by) if task.started_by else None
    if run is None or "jobEntry" not in run:
        _log.info("a task that is none of the platform's", details={"task": task.arn})
        return
    job = platform.tenant_functions.find_job(run["userId"], run["jobEntry"])
    if job is None or "stoppedAt" in run:
        settle_stray(platform, run, task)
    elif task.status == "STOPPED":
        _close(platform, job, run, task)
    elif task.status == "RUNNING":
        _note_running(platform, job, run, task)


def _note_running(platform: Platform, job: Job, run: Run, task: Task) -> None:
    now = clock.now()
    started = task.pulled_from or task.started_at or now
    values: dict[str, Any] = {
        "status": "running",
        "startedAt": task.started_at or now,
        "seenAt": now,
        "taskArn": task.arn,
    }
    operations = [platform.tenant_functions.change_job(job, values, MISSING)]
    if "startedAt" not in run:
        operations.append(platform.runs.note_start(run["runId"], started))
    try:
        transact(*operations)
    except ConditionFailed:
        return  # it is over by now


def _close(platform: Platform, job: Job, run: Run, task: Task) -> None:
    stopped = task.stopped_at or clock.now()
    started = task.pulled_from or task.started_at or stopped
    code = exit_code_of(task)
    values: dict[str, Any] = {"status": "completed" if code == 0 else "failed", "exitCode": code}
    if code != 0:
        values["reason"] = job.get("reason") or why(task)
    if task.started_at:
        values["startedAt"] = task.started_at
    finish(platform, job, run, (started, max(started, stopped)), values)


def finish(
    platform: Platform,
    job: Job,
    run: Run,
    time: tuple[int, int],
    values: dict[str, Any],
    *,
    seen: bool = True,
) -> None:
    """End an invocation, once: its bill, its share of the quota, what came of it.

    Raises ConditionFailed if somebody else was quicker.
    """
    cost = run_cost(time[1] - time[0], run["rate"])
    values = {**values, "finishedAt": time[1], "cost": cost, **told(platform, job)}
    table = platform.tenant_functions
    close_run(
        platform,
        run,
        time,
        table.change_job(job, values, _OF_THE_WORK),
        table.give_back(job["userId"], share_of(job)),
        seen=seen,
    )
    warn_if_near(platform, job["userId"])


def told(platform: Platform, job: Job) -> dict[str, Any]:
    """What is noted when webhooks have been told of an invocation: they are now. Raises what AWS raises."""
    tell_of_job(platform, job)
    return {"events": []}


def share_of(job: Job) -> dict[str, int]:
    """What an invocation uses of the quota."""
    return {"replicas": 1, "cpu": job["cpu"], "memory": job["memory"]}


def settle_stray(platform: Platform, run: Run, task: Task) -> None:
    """A task whose run was given up: stopped at once, and billed when it has."""
    if task.status == "STOPPED":
        if "stoppedAt" in run:
            bill_rest(platform, run, task)
    elif not run.get("endSeen"):
        platform.ecs_services.stop_task(task.arn, "Its run is over")


def follow_job(platform: Platform, job: Job, look: Look) -> bool:
    """The tick's look at an invocation under way. Always False."""
    task = next((task for task in look.tasks if task.started_by == job["runId"]), None)
    if task:
        observe_job(platform, task)
        if task.status == "STOPPED":
            return False
    now, table = clock.now(), platform.tenant_functions
    found = table.find_job(job["userId"], job["entry"])
    run = platform.runs.find(job["runId"])
    if found is None or "finishedAt" in found or run is None:
        return False
    values: dict[str, Any] = {"dueAt": now + _LOOK_AGAIN_SECONDS, **told(platform, found)}
    if task:
        if now - found["requestedAt"] > LONGEST_SECONDS:
            platform.ecs_services.stop_task(task.arn, _TOO_LONG)
            values |= {"reason": _TOO_LONG, "dueAt": now + ARRIVAL_SECONDS}
        transact(table.change_job(found, values, MISSING))
    elif look.unknown:  # one of which may be its own
        transact(table.change_job(found, values | {"dueAt": now + ARRIVAL_SECONDS}))
    else:
        values |= {**missed(found, look.asked_at), "dueAt": now + MISSED_AGAIN_SECONDS}
        if is_missing_for_long(values) and _is_forgotten(found, look.asked_at):
            _give_up(platform, found, run)
        else:
            transact(table.change_job(found, values))
    return False


def _is_forgotten(job: Job, now: int) -> bool:
    """Whether ECS would no longer show the task if it had ended, or never was."""
    if "seenAt" in job:
        return now - job["seenAt"] >= REMEMBERED_SECONDS + CONSISTENCY_SECONDS
    remembered = REMEMBERED_SECONDS if "taskArn" in job else 0
    return now - job["requestedAt"] >= remembered + CONSISTENCY_SECONDS


def _give_up(platform: Platform, job: Job, run: Run) -> None:
    if "taskArn" in job:
        platform.ecs_services.stop_task(job["taskArn"], _LOST)
    started = run.get("startedAt") or run["requestedAt"]
    until = max(started, job.get("seenAt", started))
    reason = _LOST if "taskArn" in job else _NEVER_BEGUN
    finish(platform, job, run, (started, until), {"status": "failed", "reason": reason}, seen=False)
