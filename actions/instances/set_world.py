"""set-world: which world a member's server opens when it starts; null for none, which is its setup screen."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.instances.choices import note_choice
from actions.instances.worlds import World
from actions.lookup import instance_of
from services.platform import Platform


class SetWorld(UserRequest):
    """Whose server, and the name of the world's directory; null to begin at the setup screen."""

    world: World | None


def set_world(request: SetWorld, platform: Platform) -> Answer:
    """Have the server open a world from its next start on. Whether there is one of that name shows then.

    Foundry skips its own checks of compatibility for a world that is opened so: it is opened only while Foundry and
    all packages are what they were when it was last closed cleanly, else the server begins at its setup screen and
    its member is told why. Raises InstanceNotFound.
    """
    instance = instance_of(platform, request.user_id)
    values = {"world": request.world} if request.world else {}
    removed = () if request.world else ("world",)
    note_choice(platform, instance, values, removed)
    what = f"opens the world {request.world}" if request.world else "begins at its setup screen"
    return {
        "success": True,
        "world": request.world,
        "message": f"From its next start on the server {what}",
    }


ACTION = Action(
    SetWorld,
    set_world,
    Scope.USER,
    Command(
        "Choose the world that your server opens when it starts",
        options={
            "world": "The name of the world's directory; none for the setup screen",
        },
    ),
)
