"""Tasks that are alive though their run is closed: stopped at once, and their seconds billed.

A run is closed without ECS's word only when ECS has shown nothing of its task for longer than it lags
(ending.py). Should it show it later all the same, nobody may write to the files of the next run.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import structlog

from actions.billing.entries import bill_late
from actions.instances.ending import REMEMBERED_SECONDS
from services import clock
from services.dynamodb import ConditionFailed, transact
from services.ecs import Task
from services.platform import Platform
from services.runs import Run

_log = structlog.get_logger()


def settle_stray(platform: Platform, run: Run, task: Task) -> None:
    """Stop a task whose run is closed, or bill what it went on for if it has stopped."""
    if "stoppedAt" not in run:
        return  # its instance is being changed at this moment: an event or a tick comes again
    if task.status == "STOPPED":
        if not bill_rest(platform, run, task) and "strayTask" in run:
            transact(platform.runs.forget_stray(run))
        return
    if run.get("endSeen"):
        return  # an event that came late: ECS has said that the task has stopped
    _log.error("a task is alive though its run is closed", details={"task": task.arn})
    transact(platform.runs.note_stray(run, task.arn, clock.now()))
    platform.ecs.stop(task.arn, "Its run is over")


def bill_rest(platform: Platform, run: Run, task: Task) -> bool:
    """Bill, once, what the stopped task of a closed run went on for; whether there was anything."""
    started_at, stopped_at = task.pulled_from or task.started_at, task.stopped_at
    if run["seconds"] and started_at is not None:
        started_at = max(started_at, run["stoppedAt"])
    if started_at is None or stopped_at is None or stopped_at <= started_at:
        return False
    with suppress(ConditionFailed):  # somebody else has billed it
        transact(*bill_late(platform, run, started_at, stopped_at))
    return True


def follow_stray(platform: Platform, run: Run, tasks: Mapping[str, Task]) -> bool:
    """Look at the task of a stray again (for the tick); `tasks` is what ECS shows. Always False: nothing stopped.

    A stray that ECS has forgotten is let go: it was asked to stop, and ECS shows a stopped task for an hour.
    """
    task = tasks.get(run["strayTask"])
    if task:
        settle_stray(platform, run, task)
    elif clock.now() - run["straySince"] >= REMEMBERED_SECONDS:
        transact(platform.runs.forget_stray(run))
    return False
