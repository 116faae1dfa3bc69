"""set-wake: who may wake a member's table by its page, and another code for that."""

from __future__ import annotations

from typing import Any, Literal, cast

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.errors import ChangesNothing
from actions.instances.choices import note_choice
from actions.instances.waking import wake_url, who_wakes
from actions.lookup import instance_of
from services.instances import Instance, Who
from services.platform import Platform

_SAID = {
    Who.NOBODY: "Nobody but you wakes the table",
    Who.CODE: "Whoever has the link wakes the table",
    Who.ANYONE: "Anyone wakes the table",
}


class SetWake(UserRequest):
    """Whose table, who may wake it, and whether its code is made anew: the former one is then worth nothing."""

    who: Literal["nobody", "code", "anyone"] | None = None
    rotate: bool = False


def set_wake(request: SetWake, platform: Platform) -> Answer:
    """Choose who wakes the table: nobody, who has its code, anyone. Raises InstanceNotFound, InvalidRequest."""
    if request.who is None and not request.rotate:
        raise ChangesNothing("who", 'Send who ("nobody", "code" or "anyone"), or rotate.')
    instance = instance_of(platform, request.user_id)
    wanted: dict[str, Any] = {}
    if request.who is not None:
        wanted["wake"] = request.who
    if request.rotate:
        wanted["codeGeneration"] = instance.get("codeGeneration", 0) + 1
    note_choice(platform, instance, wanted)
    changed = cast("Instance", {**instance, **wanted})
    who = who_wakes(changed)
    return {
        "success": True,
        "wake": who,
        "wakeUrl": wake_url(platform, changed),
        "message": _SAID[who],
    }


ACTION = Action(
    SetWake,
    set_wake,
    Scope.USER,
    Command(
        "Choose who wakes your table by its page",
        options={
            "who": "Who may",
            "rotate": "Make a new code; the old link is then worth nothing",
        },
    ),
)
