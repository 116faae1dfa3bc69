"""The end of a run's task: asked for, and certain only when ECS has said so or has shown nothing of it for long.

ECS is eventually consistent: for some minutes it may show nothing of a task that runs (docs/sources.md, AWS).
So what it does not show is not over. A run is over when ECS has said that its task is STOPPED; else when its
task has been asked to stop, and has been unseen since then for longer than ECS lags, and for longer than
ECS remembers a stopped task if it was seen before. Until then the licence is held and no other task starts.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from actions.instances.asking import ask_for_task, find_task
from actions.instances.closing import close_run
from actions.instances.idling import TICK_SECONDS
from actions.instances.locking import Lock
from services import clock
from services.ecs import Task
from services.errors import EcsBusy, TaskRefused
from services.instances import Instance

CONSISTENCY_SECONDS = 360  # ECS catches up within about five minutes (ECS API, DescribeTasks)
REMEMBERED_SECONDS = 3600  # it shows a stopped task for an hour (ECS API, DescribeTasks)
MISSING = ("missingSince", "missedAt")  # what is noted while ECS shows nothing of a task
# Two looks are of one time of missing only if none can have been between them.
_NEXT_LOOK_SECONDS = TICK_SECONDS * 3 // 2
MISSED_AGAIN_SECONDS = 60  # then the next tick looks, however long this one takes to come to it
_STOPPED_SECONDS = 180  # stopTimeout is 120 s; by then ECS's event has come, or was missed


def end_task(lock: Lock, reason: str) -> bool:
    """Ask ECS to stop the run's task; True if there is none, and the run is closed.

    Repeating it is harmless.
    """
    platform, instance, now = lock.platform, lock.instance, clock.now()
    asked: dict[str, Any] = {}
    asked_at, task_arn = instance.get("stopAskedAt"), instance.get("taskArn")
    if task_arn is None:
        found = find_task(lock)
        if found and found.status == "STOPPED":
            close_run(lock, found)
            return True
        task_arn = found.arn if found else _by_its_token(lock)
        if task_arn:
            asked_at = None
        elif asked_at is not None and now - asked_at >= CONSISTENCY_SECONDS:
            close_run(lock, Task("", instance["runId"], "STOPPED", ""))  # it was never launched
            return True
    if task_arn:
        platform.ecs.stop(task_arn, reason)
        asked["taskArn"] = task_arn
    pause = look_within(instance, _STOPPED_SECONDS)
    lock.pause(pause, asked | {"stopAskedAt": asked_at or now})
    return False


def _by_its_token(lock: Lock) -> str | None:
    """The ARN of a task whose launch was not noted; None if ECS launches none, and shows none, now.

    If there was none, this launches one, to be stopped at once: only so is it certain.
    """
    with suppress(TaskRefused, EcsBusy):
        return ask_for_task(lock)
    return None


def is_certainly_over(instance: Instance) -> bool:
    """Whether a task of which ECS shows nothing, as just noted, has ended, and is not only missing."""
    asked_at, missing_since = instance.get("stopAskedAt"), instance.get("missingSince")
    if asked_at is None or missing_since is None:
        return False
    remembered = REMEMBERED_SECONDS if "seenAt" in instance else 0
    last_seen, looked_at = instance.get("seenAt", missing_since), instance["missedAt"]
    return looked_at - max(asked_at, missing_since) >= CONSISTENCY_SECONDS and (
        looked_at - last_seen >= remembered
    )


def missed(known: Mapping[str, Any], asked_at: int) -> dict[str, int]:
    """What is to be noted of a task of which ECS, asked at that moment, shows nothing; `known` is what was so far.

    Between asking and noting minutes may pass. So it is missing since this is noted, and up to when ECS was asked
    last. A look that failed may have seen the task without noting so: then the time of missing begins anew.
    """
    goes_on = asked_at - known.get("missedAt", 0) <= _NEXT_LOOK_SECONDS
    now = clock.now()
    return {
        "missingSince": known.get("missingSince", now) if goes_on else now,
        "missedAt": asked_at,
    }


def look_within(known: Mapping[str, Any], pause: int) -> int:
    """After how many seconds the tick is to look: `pause`, or at its next turn while ECS leaves out the task."""
    return min(pause, MISSED_AGAIN_SECONDS) if "missedAt" in known else pause


def is_missing_for_long(known: Mapping[str, Any]) -> bool:
    """Whether ECS has shown nothing of a task for longer than it lags; `known` is what was noted of it."""
    for_seconds: int = known["missedAt"] - known["missingSince"] if "missedAt" in known else 0
    return for_seconds >= CONSISTENCY_SECONDS
