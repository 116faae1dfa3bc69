"""Why a task of a function has ended, in words for its member, who chose the image."""

from __future__ import annotations

import re

import structlog

from services.ecs import Task

_log = structlog.get_logger()
# By what ECS says of the task and its containers (Amazon ECS, Stopped tasks error messages); the first that fits.
_WORDS = {
    re.compile(r"OutOfMemory", re.IGNORECASE): "It ran out of memory; ask for more with `memory`.",
    re.compile(r"CannotPull.*(platform|manifest.*(arm64|architecture))", re.IGNORECASE): (
        "The image has no build for ARM64 (linux/arm64)."
    ),
    re.compile(r"CannotPull.*(not ?found|manifest unknown|does not exist)", re.IGNORECASE): (
        "The image could not be found; check its name and tag."
    ),
    re.compile(r"CannotPull.*(denied|unauthorized|authorization|401|403)", re.IGNORECASE): (
        "The image could not be fetched: there is none of that name, or its registry wants a login."
    ),
    re.compile(r"CannotPull.*(toomanyrequests:|rate limit|429 Too Many)", re.IGNORECASE): (
        "The image's registry lets nobody fetch so often; it is tried again."
    ),
    re.compile(r"CannotPull", re.IGNORECASE): "The image could not be fetched.",
    re.compile(r"exec format error", re.IGNORECASE): "The image is not built for ARM64.",
    re.compile(
        r"CannotStartContainer|CannotCreateContainer|executable file not found", re.IGNORECASE
    ): ("The container could not be started; check its command."),
    re.compile(r"ResourceInitializationError", re.IGNORECASE): (
        "AWS could not give it its secrets or its log; the operator can see why."
    ),
    re.compile(r"capacity|Timeout waiting for network|InternalError", re.IGNORECASE): (
        "AWS had no machine for it just then."
    ),
    re.compile(r"SpotInterruption|TerminationNotice|retire|maintenance", re.IGNORECASE): (
        "AWS took its machine away."
    ),
    re.compile(r"UserInitiated", re.IGNORECASE): "Its task was stopped in AWS by hand.",
}
_NOT_ITS_OWN = re.compile(
    r"ServiceScheduler|capacity|Timeout waiting for network|InternalError|SpotInterruption|TerminationNotice"
    r"|retire|maintenance|UserInitiated",
    re.IGNORECASE,
)
_OWN = re.compile(r"Cannot(Pull|Start|Create)", re.IGNORECASE)
_TOO_OFTEN = re.compile(r"toomanyrequests:|pull rate limit|429 Too Many", re.IGNORECASE)
_SIGNALS = {
    137: "it was killed (SIGKILL)",
    139: "it crashed (SIGSEGV)",
    143: "it was ended (SIGTERM)",
}


def is_failure(task: Task) -> bool:
    """Whether a task has ended by itself or never came up, and not because the platform or AWS ended it."""
    if is_passing(task):
        return False
    # What ECS says of an image names it, and an image may be called anything.
    return bool(_OWN.match(task.stopped_reason)) or not _NOT_ITS_OWN.search(_said(task))


def is_passing(task: Task) -> bool:
    """Whether it never came up for a reason that is nobody's fault or passes, so that ECS may go on trying."""
    if _OWN.match(task.stopped_reason):
        return bool(_TOO_OFTEN.search(task.stopped_reason))
    return "ResourceInitializationError" in _said(task)


def why(task: Task) -> str:
    """Why a task has ended, in words for its member."""
    said = _said(task)
    _log.info("a task of a function has ended", details={"task": task.arn, "said": said})
    for pattern, words in _WORDS.items():
        if pattern.search(said):
            return words
    code = exit_code_of(task)
    if code is None:
        return "It ended by itself."
    how = _SIGNALS.get(code, f"exit code {code}")
    return f"Its container ended by itself: {how}."


def exit_code_of(task: Task) -> int | None:
    """The exit code of the task's container, or None if it never ran."""
    return next(iter((task.exit_codes or {}).values()), None)


def _said(task: Task) -> str:
    return " ".join([task.stop_code, task.stopped_reason, *task.reasons]).replace("\n", " ")
