"""Why a run has ended that nobody asked to end: in words for the member. ECS's own are for the operator's log."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from actions.instances.known_causes import diagnose, said_by
from actions.notices import tell
from services import clock
from services.ecs import Task
from services.instances import Instance, booked_now
from services.platform import Platform
from services.runs import EndCause

_log = structlog.get_logger()
UNWANTED = (EndCause.CRASH, EndCause.FAILURE)


def why_it_ended(task: Task) -> str:
    """Why a task has ended, or is about to, by what ECS says of it, in words for the member."""
    said, codes = said_by(task), task.exit_codes or {}
    _log.warning(
        "a task ended that nobody asked to",
        details={"task": task.arn, "said": said, "codes": codes},
    )
    return diagnose(said, codes).known.sentence


def tell_of_end(
    platform: Platform,
    instance: Instance,
    cause: EndCause,
    noted: Mapping[str, object],
    *,
    starts_again: bool,
) -> None:
    """Tell the member of an end that nobody asked for, once; `noted` is what the instance says of it.

    Of a start for a session only the session's own end is told, since it is tried again.
    """
    why = noted.get("reason") or instance.get("reason", "")
    notice_id = f"{instance['runId']}:ended"
    if cause == EndCause.CRASH:
        what = "It starts again for your session." if starts_again else "You can start it again."
        message = (
            f"Your server has stopped: {why} {what} Its worlds are as Foundry last saved them."
        )
        tell(platform, "crashed", instance, message, notice_id)
    elif not booked_now(instance, clock.now()):
        message = f"Your server did not start: {why} Try again; tell the operator if it stays so."
        tell(platform, "start-failed", instance, message, notice_id)
