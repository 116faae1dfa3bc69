"""Servers that nobody has played on for long: told of twice, saved, and then kept as a save only.

The files of one that is asleep cost a tenth of what they cost on a file system. Its next start puts them back
first.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from actions.errors import StartDelayed
from actions.instances.file_decisions import decided, is_saved
from actions.notices import tell
from services import clock
from services.dynamodb import Attr, ConditionFailed, absent
from services.instances import AT_REST, FileWorkKind, Instance, InstanceStatus, repository_of
from services.locks import unlocked_for
from services.platform import Platform
from services.saves import SaveKind

# How long before it falls asleep its member is told, for the first and for the last time.
NOTICES = (14 * 86400, 2 * 86400)
_DAY = 86400


def rests(platform: Platform, instance: Instance) -> dict[str, Any]:
    """What an instance notes when nothing is left to do with its files: when it is thought of again."""
    dormant = platform.settings.dormant_seconds
    if not dormant or "asleep" in instance or instance["status"] != InstanceStatus.STOPPED:
        return {}
    return {"due": "instance", "dueAt": instance["statusSince"] + max(dormant - NOTICES[0], _DAY)}


def doze(platform: Platform, instance: Instance) -> bool:
    """Tell the member of a server that nobody has played on for long, or let it fall asleep; whether that begins.

    Repeating it is harmless.
    """
    dormant, now, since = platform.settings.dormant_seconds, clock.now(), instance["statusSince"]
    if not rests(platform, instance) or not any(platform.settings.kept):
        _note(platform, instance, {}, ("due", "dueAt"))
        return False
    if instance.get("bookings"):  # somebody means to play
        _note(platform, instance, {"dueAt": now + _DAY})
        return False
    told = instance.get("sleepNotices", 0)
    if told >= len(NOTICES):
        return _note(platform, instance, _falls_asleep(instance))
    due_at = max(since + dormant - NOTICES[told], since + _DAY)
    if now < due_at:
        _note(platform, instance, {"dueAt": due_at})
        return False
    if _tell(platform, instance, told):
        left = (*NOTICES, 0)[told + 1]
        # However late this is, there are as many days between a notice and what it tells of.
        next_at = max(since + dormant - left, now + NOTICES[told] - left)
        _note(platform, instance, {"sleepNotices": told + 1, "dueAt": next_at})
    return False


def _tell(platform: Platform, instance: Instance, told: int) -> bool:
    days = NOTICES[told] // _DAY
    message = (
        f"Nobody has played on your server for long. In {days} days it falls asleep: its files are then kept as a"
        " save only, and its next start takes some minutes longer. Start it once and it stays as it is."
    )
    notice_id = f"{instance['instanceId']}:{instance['statusSince']}:sleep:{told}"
    return tell(platform, "falls-asleep", instance, message, notice_id, days=days)


def _falls_asleep(instance: Instance) -> dict[str, Any]:
    saved = {"saved": instance["lastSave"]["saveId"]} if is_saved(instance) else {}
    return decided(FileWorkKind.SLEEP, SaveKind.BEFORE_SLEEP, **saved)


def _note(
    platform: Platform,
    instance: Instance,
    values: dict[str, Any],
    removed: tuple[str, ...] = (),
) -> bool:
    """Note that, unless it is used again; whether it was noted."""
    rests = Attr("status").eq(instance["status"]) & absent("runId") & absent("work")
    rests &= absent("renews") & unlocked_for("", clock.now())
    try:
        platform.instances.apply_update(platform.instances.change(instance, rests, values, removed))
    except ConditionFailed:
        return False
    return True


def fell_asleep(platform: Platform, instance: Instance) -> dict[str, Any]:
    """What an instance notes whose files are erased."""
    save = platform.saves.named(repository_of(instance), instance["lastSave"]["saveId"])
    return {"asleep": {"since": clock.now(), "snapshot": save["snapshot"]}}


def bring_back(platform: Platform, instance: Instance, *, is_wanted: bool) -> StartDelayed:
    """Have the files of a server put back that is asleep; returns what to answer or raise.

    `is_wanted` if it starts by itself then; else whoever wanted it tries again.
    """
    restores = {"snapshot": instance["asleep"]["snapshot"], "all": "yes"}
    saved = instance["lastSave"]["saveId"]
    wish = decided(FileWorkKind.RESTORE, SaveKind.BEFORE_RESTORE, restores=restores, saved=saved)
    if is_wanted:
        wish["startsAfter"] = clock.now()
    asleep = Attr("status").is_in(list(AT_REST)) & Attr("asleep").exists()
    asleep &= absent("work") & absent("runId") & absent("renews") & unlocked_for("", clock.now())
    with suppress(ConditionFailed):  # somebody else has begun with it: who asks again finds it so
        platform.instances.apply_update(platform.instances.change(instance, asleep, wish))
    return StartDelayed("It was asleep: its files are being put back.")
