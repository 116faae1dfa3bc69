"""How far a table is, as players see it, and how long it may still take."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

from actions.instances.looks import pause_between_looks
from services import clock
from services.instances import (
    AT_REST,
    UP,
    Instance,
    InstanceStatus,
    Phase,
    is_being_restored,
    is_wanted_up,
)
from services.platform import Platform

ASLEEP, RESTORING = "asleep", "restoring"
_STEP = 5  # seconds; nobody can tell them more exactly


class State(TypedDict):
    """What a page is told: `about` is in how many seconds it may be ready, as its last good start took."""

    status: str
    phase: str
    about: int | None


def state_of(instance: Instance) -> State:
    """The table's state, as the instance says it."""
    from actions.instances.status import shown_status

    status = shown_status(instance)
    return {"status": status, "phase": _phase(instance), "about": _about(instance)}


def state_now(platform: Platform, instance: Instance) -> State:
    """The same; while its files are put back first, with what their task says. One read then, which may fail."""
    state = state_of(instance)
    if state["phase"] != RESTORING:
        return state
    from actions.instances.file_progress import seconds_left

    left, took = seconds_left(platform, instance), _whole(instance.get("lastArrival", {}))
    return {**state, "about": None if left is None else _rounded(left + (took or 0))}


def is_worth_a_look(instance: Instance) -> bool:
    """Whether a look could tell more of it than it says, and nobody has just looked."""
    if instance["status"] not in UP or _phase(instance) == Phase.READY:
        return False
    return instance.get("lookedAt", 0) <= clock.now() - pause_between_looks(instance)


def _phase(instance: Instance) -> str:
    if not is_wanted_up(instance):
        return ASLEEP
    if instance["status"] in AT_REST and is_being_restored(instance):
        return RESTORING
    if instance["status"] == InstanceStatus.RUNNING:
        return Phase(instance.get("phase", Phase.READY))
    return Phase(instance.get("phase", Phase.MACHINE))


def _about(instance: Instance) -> int | None:
    """In how many seconds it may be there: as long as the last start took, less what has passed."""
    took = _whole(instance.get("lastArrival", {}))
    if took is None:
        return None
    if _phase(instance) == RESTORING:
        return None
    if instance["status"] in AT_REST:
        return _rounded(took)
    if instance["status"] not in UP or _phase(instance) in _WAITING:
        return None
    return _rounded(max(0, took - (clock.now() - instance["lastStarted"])))


_WAITING = (Phase.READY, Phase.SETUP, Phase.SIGNATURE)  # for people


def _whole(arrival: Mapping[str, Any]) -> int | None:
    return max((int(seconds) for seconds in arrival.values()), default=None)


def _rounded(seconds: int) -> int:
    return -(-seconds // _STEP) * _STEP
