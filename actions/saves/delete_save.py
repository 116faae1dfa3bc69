"""delete-save: a save is no longer kept. What it alone held is erased by the next file task."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.errors import Conflict, SaveNotFound
from actions.instances.retention import is_locked
from actions.lookup import instance_of
from actions.saves.finding import save_of
from actions.saves.restore_save import SaveId
from services import clock
from services.dynamodb import ConditionFailed, transact
from services.platform import Platform


class DeleteSave(UserRequest):
    """Which save."""

    save_id: SaveId


def delete_save(request: DeleteSave, platform: Platform) -> Answer:
    """Let a save go, unless it is the newest, locked or being put back.

    Raises InstanceNotFound, SaveNotFound, Conflict.
    """
    instance = instance_of(platform, request.user_id)
    save = save_of(platform, instance, request.save_id)
    if save.get("locked"):
        raise _kept("It is locked.", "Unlock it first, with label-save.")
    if is_locked(save, clock.now()):
        raise _kept(
            "It is the way back from an update.",
            "Wait until that has been on trial for long enough.",
        )
    if instance.get("lastSave", {}).get("saveId") == save["saveId"]:
        raise _kept("It is the newest one.", "Delete it when there is another.")
    restored = instance["work"].get("restores", {}) if "work" in instance else {}
    if restored.get("snapshot") == save["snapshot"]:
        raise _kept("It is being put back.", "Wait until that is done.")
    try:
        transact(platform.saves.leave(save, "delete-save", clock.now()))
    except ConditionFailed:
        raise SaveNotFound(request.save_id) from None
    return {
        "success": True,
        "saveId": request.save_id,
        "message": "The save is gone; what it alone held is erased with the next save",
    }


def _kept(why: str, hint: str) -> Conflict:
    return Conflict(f"The save cannot be deleted. {why}", field="saveId", suggestion=hint)


ACTION = Action(
    DeleteSave,
    delete_save,
    Scope.USER,
    Command(
        "Delete a save",
        options={
            "save_id": "Which save",
        },
        warns="This deletes the save for good.",
    ),
)
