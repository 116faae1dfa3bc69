"""From a member's wish to what is decided to be done with the files of a server at rest."""

from __future__ import annotations

from typing import Any

from actions.errors import Busy, Conflict, WrongState
from actions.instances.file_decisions import decided, has_files
from actions.instances.file_work import carry_on_now
from actions.instances.locking import refuse_if_busy
from actions.rates import counted_use, used_up
from services import clock
from services.dynamodb import Attr, ConditionFailed, absent, transact
from services.instances import AT_REST, FileWorkKind, Instance, InstanceStatus
from services.locks import unlocked_for
from services.platform import Platform
from services.saves import SaveKind

_FOR_NEW_ONES = (FileWorkKind.INSPECT, FileWorkKind.IMPORT)  # also before the first start


def decide(
    platform: Platform, instance: Instance, kind: FileWorkKind, save: SaveKind, **more: Any
) -> None:
    """Decide it, in place of a save that the platform would make by itself, and begin with it.

    Raises WrongState unless the server rests, Busy, UsedUp, Conflict while something else is done or without files.
    """
    refuse_if_busy(instance)
    if kind == FileWorkKind.RESTORE and _is_only_saved(instance) and "all" in more["restores"]:
        more["saved"] = instance["lastSave"]["saveId"]  # another save instead of the newest
    else:
        _refuse_unless_at_rest(instance)
        if kind not in _FOR_NEW_ONES and not has_files(instance):
            raise Conflict(
                "The server has never run: there is nothing to save yet.",
                suggestion="Start it first.",
            )
    work = instance.get("work")
    if work and work["kind"] != FileWorkKind.SAVE:
        raise Conflict(
            "Something else is being done with the server's files.",
            suggestion="Look at its status, and try again when that is done.",
        )
    rests = Attr("status").is_in(list(AT_REST)) & absent("renews") & absent("startsAfter")
    rests &= unlocked_for("", clock.now())
    rests &= Attr("work").eq(work) if work else absent("work")
    # A task that was asked for meanwhile may forget the very save that is to be put back.
    rests &= Attr("runId").eq(instance["runId"]) if "runId" in instance else absent("runId")
    noted = _with_its_run(instance, kind, save, more)
    wish = platform.instances.change(instance, rests, noted)
    try:
        transact(wish, counted_use(platform, instance["userId"], "changes"))
    except ConditionFailed as refused:
        if 0 in refused.failed:
            raise Busy(instance["status"]) from refused
        raise used_up(platform, "changes") from None
    carry_on_now(platform, {**instance, "work": noted["work"]})


def _with_its_run(
    instance: Instance, kind: FileWorkKind, save: SaveKind, more: dict[str, Any]
) -> dict[str, Any]:
    """What is noted; a save that is under way serves, and is looked at when it was to be."""
    values = decided(kind, save, **more)
    return {"work": values["work"]} if "runId" in instance else values


def _is_only_saved(instance: Instance) -> bool:
    """Whether its files are a save and nowhere else: it is asleep, or has not come back, and rests."""
    is_away = "asleep" in instance or ("comesBack" in instance and "lastStarted" not in instance)
    return is_away and instance["status"] in AT_REST and "startsAfter" not in instance


def _refuse_unless_at_rest(instance: Instance) -> None:
    if instance["status"] not in AT_REST or "startsAfter" in instance:
        is_waiting = instance["status"] in AT_REST  # for a save to end
        status = InstanceStatus.STARTING if is_waiting else instance["status"]
        hint = "Stop it; it is saved after each stop by itself."
        raise WrongState("saved or put back", status, hint)
    if _is_only_saved(instance):
        raise Conflict(
            "The server is asleep: its files are kept as a save.",
            suggestion="Start it first; it has its files back before.",
        )
