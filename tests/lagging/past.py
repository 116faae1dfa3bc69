"""What things were a while ago, so that an answer can still show it."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Hashable
from typing import Any

_TIMES = (
    "created_at",
    "pull_started_at",
    "pull_stopped_at",
    "started_at",
    "stopping_at",
    "execution_stopped_at",
    "stopped_at",
)


class Past:
    """Earlier states by thing, each with the moment until which it was true. None: it was not there."""

    def __init__(self) -> None:
        self._was: defaultdict[Hashable, list[tuple[float, Any]]] = defaultdict(list)

    def forget(self) -> None:
        """Nothing has happened yet."""
        self._was.clear()

    def note(self, thing: Hashable, state: Any) -> None:
        """The thing is in `state` up to this moment."""
        self._was[thing].append((time.time(), state))

    def within(self, thing: Hashable, seconds: float) -> list[Any]:
        """The states that the thing has left, but was in at some moment of the last `seconds`."""
        since = time.time() - seconds
        return [state for until, state in self._was.get(thing, ()) if until >= since]

    def things(self) -> list[Hashable]:
        """All that has ever changed."""
        return list(self._was)


PAST = Past()


def shown(task: Any) -> dict[str, Any]:
    """What DescribeTasks shows of the emulator's `task` that changes while it lives."""
    times = {_camel(name): getattr(task, name, None) for name in _TIMES}
    return {
        "lastStatus": task.last_status,
        "desiredStatus": task.desired_status,
        "stoppedReason": getattr(task, "stopped_reason", None) or None,
        "stopCode": getattr(task, "stop_code", None),
        **times,
    }


def of_container(task_status: str) -> str:
    """The status of a task's container, by that of the task."""
    if task_status in ("PROVISIONING", "PENDING", "ACTIVATING"):
        return "PENDING"
    return "RUNNING" if task_status in ("RUNNING", "DEACTIVATING", "STOPPING") else "STOPPED"


def _camel(name: str) -> str:
    first, *more = name.split("_")
    return first + "".join(word.title() for word in more)
