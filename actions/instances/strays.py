"""Tasks that are alive though their run is closed: stopped at once, and their seconds billed.

A run is closed without ECS's word only when ECS has shown nothing of its task for longer than it lags
(ending.py). Should it show it later all the same, nobody may write to the files of the next run.
"""

from __future__ import annotations

from collections.abc import Mapping

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
        _bill(platform, run, task)
        return
    if run.get("endSeen"):
        return  # an event that came late: ECS has said that the task has stopped
    _log.error("a task is alive though its run is closed", details={"task": task.arn})
    transact(platform.runs.note_stray(run, task.arn, clock.now()))
    platform.ecs.stop(task.arn, "Its run is over")


def _bill(platform: Platform, run: Run, task: Task) -> None:
    started_at, stopped_at = task.pulled_from or task.started_at, task.stopped_at
    if run["seconds"] and started_at is not None:
        started_at = max(started_at, run["stoppedAt"])
    if started_at is not None and stopped_at is not None and stopped_at > started_at:
        try:
            transact(*bill_late(platform, run, started_at, stopped_at))
        except ConditionFailed:
            return  # somebody else has billed it
    elif "strayTask" in run:
        transact(platform.runs.forget_stray(run))


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
