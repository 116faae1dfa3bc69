"""What a table's panel shows: a pure function of what is stored, so that it can be compared with what was shown."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from actions.action import Answer
from actions.discord.formatting import moment, plain
from actions.instances.status import next_session, next_stop
from actions.panels.crew import PREFIX
from actions.panels.events import Wanted
from services.instances import AT_REST, Instance, InstanceStatus, Phase, is_running
from services.platform import Platform

GREEN, GREY, RED = 3, 2, 4
_ROUNDED = 300  # seconds
_PHASES = {
    Phase.MACHINE: "a machine is being found",
    Phase.IMAGE: "the image is being fetched",
    Phase.FOUNDRY: "Foundry is starting",
}
_STATES = {
    InstanceStatus.CREATING: "It is being made.",
    InstanceStatus.CREATED: "Asleep; nobody has played here yet.",
    InstanceStatus.STOPPING: "It is being stopped.",
    InstanceStatus.STOPPED: "Asleep.",
    InstanceStatus.DESTROYING: "This table is no more.",
}


def panel_of(platform: Platform, instance: Instance) -> Answer:
    """The message. Of what runs one read says whether maintenance stops it."""
    lines = [f"## {plain(instance['username'])}", _state(instance)]
    if is_running(instance):
        lines.append(f"https://{instance['host']}")
        stop = next_stop(platform, instance)
        # Within the last minutes it moves with the time alone, which is no reason to edit.
        at = -(-stop["stopsAt"] // _ROUNDED) * _ROUNDED
        lines.append(f"Stops {moment(at)}: {stop['stopsBecause']}.")
    elif instance["status"] == InstanceStatus.STOPPED and instance.get("reason"):
        lines.append(plain(instance["reason"]))
    if coming := next_session(instance, platform.settings).get("nextSession"):
        lines.append(f"Next session: {moment(coming['startTime'])}")
    return {
        "content": "\n".join(lines),
        "components": _rows(instance),
        "allowed_mentions": {"parse": []},
    }


def digest(message: Answer, events: Wanted) -> str:
    """What tells from another what is to be shown."""
    text = json.dumps([message, events], sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _state(instance: Instance) -> str:
    status = instance["status"]
    since = f"<t:{instance['statusSince']}:R>"
    if status == InstanceStatus.RUNNING:
        return f"Open, since {since}.{_playing(instance)}"
    if status == InstanceStatus.STARTING or "startsAfter" in instance:
        doing = _PHASES.get(instance.get("phase", Phase.MACHINE), "it waits for its owner")
        return f"Starting since {since}: {doing}."
    if "work" in instance and status in AT_REST:
        return "Asleep; its files are being worked on."
    return _STATES[status]


def _playing(instance: Instance) -> str:
    """How many play, as of a few minutes ago."""
    match instance.get("players"):
        case None:
            return ""
        case 0:
            return " Nobody plays."
        case 1:
            return " One plays."
        case number:
            return f" {number} play."


def _rows(instance: Instance) -> list[Any]:
    status, owner = instance["status"], instance["userId"]
    buttons = []
    if status in AT_REST and "startsAfter" not in instance:
        buttons += [("start-instance", "Wake", GREEN), ("save-now", "Save", GREY)]
    if status == InstanceStatus.RUNNING:
        buttons += [("keep-alive", "Keep it running", GREY)]
    if status in (InstanceStatus.RUNNING, InstanceStatus.STARTING):
        buttons += [("stop-instance", "Stop", RED)]
    row = [
        {"type": 2, "style": style, "label": label, "custom_id": f"{PREFIX}:{action}:{owner}"}
        for action, label, style in buttons
    ]
    return [{"type": 1, "components": row}] if row else []
