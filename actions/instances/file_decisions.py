"""What is decided to be done with a server's files, as the instance notes it (file_work.py carries it out)."""

from __future__ import annotations

from typing import Any

from services import clock, ids
from services.ecs import Task
from services.instances import FileWork, FileWorkKind, Instance, InstanceStatus
from services.platform import Platform
from services.saves import SaveKind

# For a file task; one that takes longer is ended, and the step tried again.
LIMIT_SECONDS = 3 * 3600

# What is ended for a start; of what its member has asked for as a save, the end is waited for.
GIVE_WAY = (FileWorkKind.SAVE, FileWorkKind.EXPORT, FileWorkKind.INSPECT)
_BEFORE_A_START = (*GIVE_WAY, FileWorkKind.SAVE_NOW)


def decided(kind: FileWorkKind, save: SaveKind, **more: Any) -> dict[str, Any]:
    """What an instance at rest notes of what is to be done at once; `more` is as FileWork has it."""
    now = clock.now()
    work: FileWork = {"id": ids.new_id(), "kind": kind, "since": now, "save": save, **more}  # type: ignore[typeddict-item]
    return {"work": work, "due": "instance", "dueAt": now}


def after_stop(platform: Platform, instance: Instance, task: Task) -> dict[str, Any]:
    """What is noted with a run's end: that its files are to be saved, if it or one before may have changed them."""
    if not any(platform.settings.kept):
        return {}
    if "unsaved" not in instance and not _may_have_run(instance, task):
        return {}
    return decided(FileWorkKind.SAVE, SaveKind.AFTER_STOP)


def _may_have_run(instance: Instance, task: Task) -> bool:
    """Whether a run's task has run, be it that nobody noticed; of one that ECS has forgotten, nobody knows."""
    is_unknown = task.stopped_at is None and "taskArn" in instance
    return "upSince" in instance or task.started_at is not None or is_unknown


def is_lasting(instance: Instance) -> bool:
    """Whether more is being done with its files than what a start comes right after."""
    return "work" in instance and instance["work"]["kind"] not in _BEFORE_A_START


def has_files(instance: Instance) -> bool:
    """Whether there is anything of its to be saved: it has run, or files were imported before its first start."""
    return not {"lastStarted", "putBackAt"}.isdisjoint(instance)


def is_saved(instance: Instance) -> bool:
    """Whether nothing can have changed since its newest save: it has rested, and nothing was put back since."""
    last = instance.get("lastSave")
    rests = instance["status"] == InstanceStatus.STOPPED and not {"work", "runId"} & instance.keys()
    changed_at = max(instance["statusSince"], instance.get("putBackAt", 0))
    return rests and last is not None and last["at"] > changed_at
