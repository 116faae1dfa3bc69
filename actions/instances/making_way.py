"""A start while a file task is under way: it comes first, or after."""

from __future__ import annotations

from actions.errors import FilesBusy, StartDelayed
from actions.instances.ending import end_task
from actions.instances.file_decisions import GIVE_WAY, is_lasting
from actions.instances.idling import LOOK_AGAIN_SECONDS
from actions.instances.locking import lock_run
from services import clock
from services.dynamodb import Attr, ConditionFailed, absent
from services.instances import AT_REST, Instance, is_being_restored
from services.platform import Platform

_SAVING = "Its files are being saved."


def make_way(platform: Platform, instance: Instance, *, is_wanted: bool) -> StartDelayed:
    """Let a server that is to start come after its file task, and end that unless somebody has asked for it.

    `is_wanted` if it starts by itself then; else whoever wanted it tries again. Returns what to answer or raise.
    Raises FilesBusy while its files are put back, Busy.
    """
    if is_being_restored(instance):
        raise FilesBusy
    is_asked_for = "work" in instance and instance["work"]["kind"] not in GIVE_WAY
    wish: dict[str, object] = {} if is_asked_for else {"givesWay": True}
    if is_wanted:
        wish["startsAfter"] = clock.now()
    lock = lock_run(platform, instance, Attr("status").is_in(list(AT_REST)), **wish)
    if lock:
        with lock:
            if is_asked_for:
                lock.pause(LOOK_AGAIN_SECONDS)
            else:
                end_task(lock, "The server is wanted")
    return StartDelayed(_SAVING)


def comes_after(platform: Platform, instance: Instance) -> bool:
    """Have a server start as soon as its save makes way that is being begun just now; whether it is so."""
    if is_lasting(instance) or "work" not in instance:
        return False
    saves = Attr("status").is_in(list(AT_REST)) & Attr("work").exists() & absent("renews")
    wish = platform.instances.change(instance, saves, {"startsAfter": clock.now()})
    try:
        platform.instances.apply_update(wish)
    except ConditionFailed:
        return False
    return True


def must_make_way(instance: Instance) -> bool:
    """Whether a start was asked for while its save was being begun, which has not been ended for it yet."""
    gives_way = "work" in instance and instance["work"]["kind"] in GIVE_WAY
    return gives_way and "startsAfter" in instance and "stopAskedAt" not in instance
