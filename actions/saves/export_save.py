"""export-save: a save, or one world, module or system of it, as a zip to download for a day."""

from __future__ import annotations

from actions.action import Action, Answer, Scope
from actions.command import Command
from actions.instances.deciding import decide
from actions.lookup import instance_of
from actions.saves.finding import save_of
from actions.saves.restore_save import PartOfSave, wanted_of
from services import clock
from services.instances import Export, FileWorkKind, Instance, repository_of
from services.platform import Platform
from services.saves import SaveKind


class ExportSave(PartOfSave):
    """Whose files, which save, and which part of it unless all."""


def export_save(request: ExportSave, platform: Platform) -> Answer:
    """Have the zip made, or give its address if it is there: asked again for the same, the answer has `url`.

    `url` is for who has it, and for a day at most (`until`); whoever asks later gets another. A start ends the task
    that makes a zip. Raises InstanceNotFound, SaveNotFound, WrongState, Conflict, Busy, UsedUp.
    """
    instance = instance_of(platform, request.user_id)
    wanted = wanted_of(request, save_of(platform, instance, request.save_id))
    made = instance.get("export")
    if made and made["of"] == wanted and clock.now() < made["until"]:
        return {"success": True, "saveId": request.save_id, **_download(platform, instance, made)}
    decide(platform, instance, FileWorkKind.EXPORT, SaveKind.ASKED_FOR, exports=wanted)
    return {
        "success": True,
        "saveId": request.save_id,
        "message": "The save is being exported; ask again for its address, status says how far it is",
    }


def _download(platform: Platform, instance: Instance, made: Export) -> Answer:
    parts = [value for name, value in made["of"].items() if name not in ("snapshot", "all")]
    name = f"{'-'.join([instance['label'], *parts])}.zip"
    seconds = made["until"] - clock.now()
    repository = repository_of(instance)
    return {
        "url": platform.save_bucket.export_address(repository, made["runId"], name, seconds),
        "bytes": made["bytes"],
        "until": made["until"],
        "message": "The save can be downloaded",
    }


ACTION = Action(
    ExportSave,
    export_save,
    Scope.USER,
    Command(
        "Get a save as a zip to download",
        options={
            "save_id": "Which save",
            "world": "Only this world",
            "module": "Only this module",
            "system": "Only this system",
        },
    ),
)
