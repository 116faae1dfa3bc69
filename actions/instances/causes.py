"""Why a run has ended that nobody asked to end: in words for the member. ECS's own are for the operator's log."""

from __future__ import annotations

import re
from collections.abc import Mapping

import structlog

from actions.instances.definition import NOT_FETCHED, PREPARE
from actions.notices import tell
from services import clock
from services.ecs import Task
from services.instances import Instance, booked_now
from services.platform import Platform
from services.runs import EndCause

_log = structlog.get_logger()
UNWANTED = (EndCause.CRASH, EndCause.FAILURE)
_OPERATOR = "the operator can see why"
# By what ECS says of the task or of its containers (Amazon ECS, Stopped tasks error messages); the first that fits.
_WORDS = {
    re.compile(r"OutOfMemory", re.IGNORECASE): "Foundry ran out of memory.",
    re.compile(
        r"CannotPull", re.IGNORECASE
    ): f"The image of its version could not be fetched; {_OPERATOR}.",
    re.compile(
        r"ResourceInitializationError", re.IGNORECASE
    ): f"AWS could not give it its files or secrets; {_OPERATOR}.",
    re.compile(
        r"capacity|Timeout waiting for network|InternalError", re.IGNORECASE
    ): "AWS had no machine for it just then.",
    re.compile(
        r"SpotInterruption|TerminationNotice|ServiceScheduler|retire|maintenance", re.IGNORECASE
    ): "AWS took its machine away.",
    re.compile(r"UserInitiated", re.IGNORECASE): "Its task was stopped in AWS by hand.",
    re.compile(r"TaskFailedToStart", re.IGNORECASE): f"AWS could not start it; {_OPERATOR}.",
}


def why_it_ended(task: Task) -> str:
    """Why a task has ended, or is about to, in words for the member."""
    codes = task.exit_codes or {}
    if codes.get(PREPARE) == NOT_FETCHED:
        return f"This version of Foundry could not be fetched in time; {_OPERATOR}."
    said = " ".join([task.stop_code, task.stopped_reason, *task.reasons])
    _log.warning(
        "a task ended that nobody asked to",
        details={"task": task.arn, "said": said, "codes": codes},
    )
    for pattern, words in _WORDS.items():
        if pattern.search(said):
            return words
    return "Foundry ended by itself."


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
