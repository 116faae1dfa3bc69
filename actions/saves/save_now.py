"""save-now: a save of a member's files, beside those after each stop."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.instances.deciding import decide
from actions.lookup import instance_of
from services.instances import FileWorkKind
from services.platform import Platform
from services.saves import SaveKind

Label = Annotated[str, Field(min_length=1, max_length=80)]


class SaveNow(UserRequest):
    """Whose files, and what to call the save."""

    label: Label | None = None


def save_now(request: SaveNow, platform: Platform) -> Answer:
    """Have the files of a server at rest saved by a task of its own; one that is under way for it serves.

    Raises InstanceNotFound, WrongState, Conflict, Busy, UsedUp.
    """
    instance = instance_of(platform, request.user_id)
    more = {"label": request.label} if request.label else {}
    decide(platform, instance, FileWorkKind.SAVE_NOW, SaveKind.ASKED_FOR, **more)
    return {"success": True, "message": "The server is being saved; status says how far it is"}


ACTION = Action(
    SaveNow,
    save_now,
    Scope.USER,
    Command(
        "Save your server's files now",
        options={
            "label": "What to call the save",
        },
    ),
)
