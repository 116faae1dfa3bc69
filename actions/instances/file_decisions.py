"""What is decided to be done with a server's files, as the instance notes it (file_work.py carries it out)."""

from __future__ import annotations

from typing import Any

from services import clock, ids
from services.instances import FileWork, FileWorkKind, Instance, InstanceStatus
from services.platform import Platform
from services.saves import SaveKind

LIMIT_SECONDS = (
    3 * 3600
)  # for a file task; one that takes longer is ended, and the step tried again


def decided(kind: FileWorkKind, save: SaveKind, **more: Any) -> dict[str, Any]:
    """What an instance at rest notes of what is to be done at once; `more` is as FileWork has it."""
    now = clock.now()
    work: FileWork = {"id": ids.new_id(), "kind": kind, "since": now, "save": save, **more}  # type: ignore[typeddict-item]
    return {"work": work, "due": "instance", "dueAt": now}


def after_stop(platform: Platform, instance: Instance) -> dict[str, Any]:
    """What is noted with a run's end: that its files are to be saved, if it may have changed them."""
    if "upSince" not in instance or not any(platform.settings.kept):
        return {}
    return decided(FileWorkKind.SAVE, SaveKind.AFTER_STOP)


def is_saved(instance: Instance) -> bool:
    """Whether nothing can have changed since its newest save: it has rested since then."""
    last = instance.get("lastSave")
    rests = instance["status"] == InstanceStatus.STOPPED and not {"work", "runId"} & instance.keys()
    return rests and last is not None and last["at"] > instance["statusSince"]
