"""Why a run has ended that nobody asked to end: in words for the member. ECS's own are for the operator's log."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from actions.instances.known_causes import Cause, Known, diagnose, recognised, said_by
from actions.instances.sizes import next_larger
from services import clock
from services.ecs import Task
from services.instances import Instance, booked_now
from services.platform import Platform
from services.runs import End, EndCause, Run

_log = structlog.get_logger()
UNCLEAN = (
    "Its world could not be closed before: look at it when you start next, and restore the backup that Foundry"
    " made if something is missing."
)
GROWS = (Cause.OUT_OF_MEMORY, Cause.HEAP_FULL)  # what more memory helps against
UNWANTED = (EndCause.CRASH, EndCause.FAILURE)


def why_it_ended(task: Task) -> str:
    """Why a task has ended, or is about to, by what ECS says of it, in words for the member."""
    said, codes = said_by(task), task.exit_codes or {}
    _log.warning(
        "a task ended that nobody asked to",
        details={"task": task.arn, "said": said, "codes": codes},
    )
    return diagnose(said, codes).known.sentence


@dataclass(frozen=True)
class Noted:
    """What the run and the instance note as the run is closed."""

    run: Mapping[str, object]
    instance: Mapping[str, object]


def noted(
    platform: Platform,
    instance: Instance,
    run: Run,
    task: Task,
    end: End,
    *,
    starts_again: bool,
    told: bool,
) -> Noted | None:
    """What is to be noted with a run's end, of which something follows; None if nothing does.

    `starts_again` by itself, for a session; `told` if whoever asked for the start is told of its end just now.
    """
    if end.cause not in UNWANTED or run["kind"] != "play":
        return None
    now = clock.now()
    codes = {name: code for name, code in (task.exit_codes or {}).items() if code is not None}
    said, late = said_by(task), instance.get("endedBy") == EndCause.FAILURE
    task_arn = task.arn or instance.get("taskArn", "")
    tells = not told and (end.cause == EndCause.CRASH or not booked_now(instance, now))
    follows = {
        "dueAt": now,
        "endedAt": now,
        "said": recognised(said),
        "codes": codes,
        "late": late,
        "tells": tells,
        "startsAgain": starts_again,
        **({"task": task_arn.rpartition("/")[2]} if task_arn else {}),
    }
    values: dict[str, object] = {"failedRun": run["runId"]}
    memory = next_memory(platform, run, diagnose(said, codes, late=late).known)
    if memory is not None:
        values["nextMemory"] = memory
    return Noted(follows, values)


def next_memory(platform: Platform, run: Run, why: Known) -> int | None:
    """With which memory the server starts next by itself, if not with its member's choice."""
    if run.get("grown"):
        return run["memory"]
    return next_larger(platform.settings, run["memory"]) if why.cause in GROWS else None
