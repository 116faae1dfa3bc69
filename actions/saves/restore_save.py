"""restore-save: a member's files as they were saved: all of them, or a world, a module or a system."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from actions.action import Action, Answer, Scope, UserRequest, hinted
from actions.command import Command
from actions.errors import InvalidRequest
from actions.instances.deciding import decide
from actions.instances.worlds import World
from actions.lookup import instance_of
from actions.saves.finding import save_of
from services.instances import FileWorkKind
from services.platform import Platform
from services.saves import Save, SaveKind

SaveId = Annotated[
    str,
    Field(min_length=1, max_length=64, pattern=r"^save-[0-9a-f-]+$"),
    hinted("Copy the saveId from list-saves, such as save-1795291889-6f1e."),
]
_PARTS = ("world", "module", "system")


class PartOfSave(UserRequest):
    """Whose files, which save, and which part of it unless all."""

    save_id: SaveId
    world: World | None = None
    module: World | None = None
    system: World | None = None

    @model_validator(mode="after")
    def _one_part(self) -> Self:
        named = [name for name in _PARTS if getattr(self, name)]
        if len(named) > 1:
            raise InvalidRequest(
                "Either one world, one module or one system can be put back, or all files.",
                field=named[1],
                suggestion="Name one of them, or none for all.",
            )
        return self


def wanted_of(request: PartOfSave, save: Save) -> dict[str, str]:
    """The snapshot and what of it, as work notes it."""
    part = {name: value for name in _PARTS if (value := getattr(request, name))}
    return {"snapshot": save["snapshot"], **(part or {"all": "yes"})}


class RestoreSave(PartOfSave):
    """What is to be put back."""


def restore_save(request: RestoreSave, platform: Platform) -> Answer:
    """Save the files as they are, then put those of the save in their place. Until then the server does not start.

    Raises InstanceNotFound, SaveNotFound, WrongState, Conflict, Busy, UsedUp.
    """
    instance = instance_of(platform, request.user_id)
    save = save_of(platform, instance, request.save_id)
    restores = wanted_of(request, save)
    decide(
        platform,
        instance,
        FileWorkKind.RESTORE,
        SaveKind.BEFORE_RESTORE,
        restores=restores,
    )
    return {
        "success": True,
        "saveId": request.save_id,
        "message": "The files are saved as they are, then put back; status says how far that is",
    }


ACTION = Action(
    RestoreSave,
    restore_save,
    Scope.USER,
    Command(
        "Put files back from a save; those of now are saved first",
        options={
            "save_id": "Which save",
            "world": "Only this world",
            "module": "Only this module",
            "system": "Only this system",
        },
    ),
)
