"""label-save: another name for a save, and whether it is kept whatever its age."""

from __future__ import annotations

from typing import Any

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.errors import ChangesNothing, Conflict, SaveNotFound
from actions.lookup import instance_of
from actions.saves.finding import save_of
from actions.saves.restore_save import SaveId
from actions.saves.save_now import Label
from services.dynamodb import ConditionFailed, transact
from services.instances import repository_of
from services.platform import Platform
from services.saves import Save

MOST_LOCKED = 20


class LabelSave(UserRequest):
    """Which save, its name, and whether it is locked; what is not given stays."""

    save_id: SaveId
    label: Label | None = None
    locked: bool | None = None


def label_save(request: LabelSave, platform: Platform) -> Answer:
    """Name a save, lock or unlock it. Raises InstanceNotFound, SaveNotFound, Conflict for too many locked ones."""
    if request.label is None and request.locked is None:
        raise ChangesNothing("label", "Give a label, or locked.")
    instance = instance_of(platform, request.user_id)
    save = save_of(platform, instance, request.save_id)
    if request.locked and not save.get("locked"):
        _refuse_too_many(platform.saves.of_repository(repository_of(instance)))
    values: dict[str, Any] = {"label": request.label} if request.label else {}
    if request.locked:
        values["locked"] = True
    removed = ("locked",) if request.locked is False else ()
    try:
        transact(platform.saves.relabel(save, values, removed))
    except ConditionFailed:
        raise SaveNotFound(request.save_id) from None
    return {"success": True, "saveId": request.save_id, "message": "The save was changed"}


def _refuse_too_many(saves: list[Save]) -> None:
    if sum(bool(save.get("locked")) for save in saves) >= MOST_LOCKED:
        raise Conflict(
            f"{MOST_LOCKED} saves may be locked at a time.",
            field="locked",
            suggestion="Unlock another one first.",
        )


ACTION = Action(
    LabelSave,
    label_save,
    Scope.USER,
    Command(
        "Name a save, or lock it so that it stays",
        options={
            "save_id": "Which save",
            "label": "What to call it",
            "locked": "Whether it stays until you unlock it",
        },
    ),
)
