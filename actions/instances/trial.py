"""Another version of Foundry on trial: how the server was before is kept for a fortnight, and can be had again."""

from __future__ import annotations

from typing import Any

from actions.instances.locking import lock_instance
from actions.instances.renewing import put_version_in
from actions.instances.retention import TRIAL_SECONDS
from services import clock
from services.dynamodb import Attr, ConditionFailed, absent
from services.instances import AT_REST, FileWork, FileWorkKind, Instance, Trial, repository_of
from services.platform import Platform


def is_next_to_change(work: FileWork) -> bool:
    """Whether nothing is left to do but to put the other version in."""
    if work["kind"] == FileWorkKind.UNDO_UPDATE:
        return "restored" in work
    return work["kind"] == FileWorkKind.UPDATE and "saved" in work


def on_trial(instance: Instance) -> Trial | None:
    """The trial of the instance's version, unless it is over."""
    trial = instance.get("trial")
    return trial if trial and clock.now() < trial["until"] else None


def change_version(platform: Platform, instance: Instance) -> None:
    """Put the version in that was asked for, or the one before. Repeating it is harmless."""
    work = instance["work"]
    is_undo = work["kind"] == FileWorkKind.UNDO_UPDATE
    values = _before(instance["trial"]) if is_undo else _after(platform, instance, work)
    as_read = Attr("work").eq(work) & absent("runId") & Attr("status").is_in(list(AT_REST))
    try:
        lock = lock_instance(platform, instance, as_read, {**values, "renews": True})
    except ConditionFailed:
        return  # somebody else was quicker
    with lock:
        put_version_in(lock, _over(instance["trial"]) if is_undo else ("work",))


def _after(platform: Platform, instance: Instance, work: FileWork) -> dict[str, Any]:
    """What an instance notes of a version that it gets; of one that is put in for a second time, nothing new."""
    wanted, now = work["version"], clock.now()
    given = {"foundryVersion": wanted, "imageTag": wanted}
    trial = instance.get("trial")
    if trial and trial["saveId"] == work["saved"]:
        return given  # this was interrupted
    save = platform.saves.named(repository_of(instance), work["saved"])
    before: Trial = {
        "since": now,
        "until": save.get("keptUntil", now + TRIAL_SECONDS),
        "saveId": save["saveId"],
        "snapshot": save["snapshot"],
        "version": instance["foundryVersion"],
    }
    if "imageTag" in instance:
        before["tag"] = instance["imageTag"]
    if "foundryBuild" in instance:
        before["build"] = instance["foundryBuild"]
    return {**given, "trial": before}


def _over(trial: Trial) -> tuple[str, ...]:
    """What an instance has no more that has its former version back."""
    return ("work", "trial", *(() if "build" in trial else ("foundryBuild",)))


def _before(trial: Trial) -> dict[str, Any]:
    """What an instance notes that gets its former version back."""
    build = {"foundryBuild": trial["build"]} if "build" in trial else {}
    tag = trial.get("tag", trial["version"])
    return {"foundryVersion": trial["version"], "imageTag": tag, **build}
