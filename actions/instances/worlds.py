"""Which world a run opens at once, and why it did not."""

from __future__ import annotations

import re
from typing import Annotated

import structlog
from pydantic import Field

from actions.action import hinted
from actions.instances.definition import PREPARE
from services.aws import AWS_FAILURES
from services.dynamodb import Attr, ConditionFailed, transact
from services.errors import LockExpired
from services.instances import Instance, booked_now
from services.platform import Platform

_log = structlog.get_logger()

# How Foundry lets a world's directory be called (docs/sources.md, Foundry VTT).
World = Annotated[
    str,
    Field(min_length=1, max_length=100, pattern="^[A-Za-z0-9_-]+$"),
    hinted(
        "Send the name of the world's directory as Foundry shows it under Edit World, such as my-campaign: letters"
        " without accents, digits, - and _."
    ),
]


def world_to_open(instance: Instance, now: int) -> str | None:
    """The world that a run which is decided now opens: the session's whose time it is, else the server's own.

    None in the first run of another version of Foundry: its member is to see what became of the packages first.
    """
    if "trial" in instance and instance.get("lastStarted", 0) < instance["trial"]["since"]:
        return None
    booking = booked_now(instance, now)
    if booking and "world" in booking:
        return booking["world"]
    return instance.get("world")


# What container.sh writes, alone on a line.
_SAID = re.compile(r"^The world is not opened at once: (.{1,200})\.$", re.MULTILINE)
_LINES = 20  # the newest of the log; the preparing container writes a few


def why_at_setup(platform: Platform, instance: Instance) -> str:
    """Why a run that was to open a world has not, as a sentence for its member; "" if that is not known, or it has.

    Kept with the run and, while it lasts, with the instance. Reads the log of the preparing container, of whose
    lines none may be there for some seconds. Never fails.
    """
    if "runWorld" not in instance or "taskArn" not in instance:
        return ""
    why = instance.get("worldNotOpened") or _looked_up(platform, instance)
    return f"The world {instance['runWorld']} was not opened, because {why}." if why else ""


def _looked_up(platform: Platform, instance: Instance) -> str | None:
    try:
        log = _log_of(platform, instance)
        if why := said_by(log):
            _note(platform, instance, why)
    except (ConditionFailed, LockExpired, *AWS_FAILURES):
        _log.warning("why a world was not opened is not known", exc_info=True)
        return None
    return why


def _log_of(platform: Platform, instance: Instance) -> str:
    """What the preparing container has written; of Foundry's own container, whose words are anybody's, nothing."""
    streams = f"{instance['instanceId']}/{PREPARE}"
    since = instance.get("lastStarted", 0) * 1000
    task = instance["taskArn"].rpartition("/")[2]
    found = platform.task_logs.newest(streams, since, _LINES).read
    return "\n".join(event.message for event in found if event.task == task)


def _note(platform: Platform, instance: Instance, why: str) -> None:
    same_run = Attr("runId").eq(instance["runId"])
    transact(
        platform.instances.change(instance, same_run, {"worldNotOpened": why}),
        platform.runs.note_unopened(instance["runId"], why),
    )


def said_by(log: str) -> str | None:
    """Why the preparing container, whose log this is, did not have the world opened; None if it says nothing."""
    found = _SAID.search(log)
    return found[1] if found else None
