"""undo-update: the version of Foundry before the last update, with the files as they were then."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.errors import Conflict
from actions.instances.deciding import decide
from actions.instances.trial import on_trial
from actions.lookup import instance_of
from services.instances import FileWorkKind, Instance, Trial
from services.platform import Platform
from services.saves import SaveKind


class UndoUpdate(UserRequest):
    """Whose update to undo."""


def undo_update(request: UndoUpdate, platform: Platform) -> Answer:
    """Save the files as they are, put those from before the update back, and the version that went with them.

    Raises InstanceNotFound, Conflict unless a version is on trial, WrongState, Busy, UsedUp.
    """
    instance = instance_of(platform, request.user_id)
    trial = on_trial(instance)
    if trial is None:
        raise Conflict(
            "No update is on trial.",
            suggestion="An update can be undone for 14 days; later, restore-save brings back what is saved.",
        )
    restores = {"snapshot": trial["snapshot"], "all": "yes"}
    decide(platform, instance, FileWorkKind.UNDO_UPDATE, SaveKind.BEFORE_RESTORE, restores=restores)
    return {
        "success": True,
        "foundryVersion": trial["version"],
        "lostSince": trial["since"],
        "message": _message(instance, trial),
    }


def _message(instance: Instance, trial: Trial) -> str:
    played = instance.get("lastStarted", 0) >= trial["since"]
    lost = (
        " What was played since is kept in a save, and is lost from the server." if played else ""
    )
    return f"Foundry {trial['version']} and the files from before the update are put back.{lost}"


ACTION = Action(
    UndoUpdate,
    undo_update,
    Scope.USER,
    Command("Take an update back, version and files"),
)
