"""set-auto-shutdown: after how many idle minutes a member's server stops."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.instances.choices import note_choice
from actions.lookup import instance_of
from services.platform import Platform


class SetAutoShutdown(UserRequest):
    """Whose server, and after how many minutes; longer than the platform's own limit has no effect."""

    idle_minutes: Annotated[int, Field(ge=10, le=24 * 60)]


def set_auto_shutdown(request: SetAutoShutdown, platform: Platform) -> Answer:
    """Stop the server earlier than others when nobody uses it. Raises InstanceNotFound."""
    instance = instance_of(platform, request.user_id)
    note_choice(platform, instance, {"idleSeconds": request.idle_minutes * 60})
    effective = min(request.idle_minutes * 60, platform.settings.idle_seconds)
    return {
        "success": True,
        "idleMinutes": effective // 60,
        "message": f"The server stops after {effective // 60} minutes without players",
    }


ACTION = Action(
    SetAutoShutdown,
    set_auto_shutdown,
    Scope.USER,
    Command(
        "Choose when your server stops if nobody plays",
        options={
            "idle_minutes": "After how many minutes without players",
        },
    ),
)
