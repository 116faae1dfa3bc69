"""admin-force-shutdown: stops a member's server now."""

from __future__ import annotations

from actions.action import Action, AdminOrder, Answer, Scope, UserId
from actions.command import Command
from actions.errors import WrongState
from actions.instances.stop import decide_stop
from actions.lookup import instance_of
from actions.notices import tell
from services.instances import InstanceStatus
from services.platform import Platform
from services.runs import EndCause


class AdminForceShutdown(AdminOrder):
    """Whose server to stop, and why; the member is told the reason."""

    target_user_id: UserId


def admin_force_shutdown(request: AdminForceShutdown, platform: Platform) -> Answer:
    """Stop the server as its member could: Foundry saves its world first. Raises InstanceNotFound, WrongState."""
    instance = instance_of(platform, request.target_user_id)
    why = "An administrator stopped it" + (f": {request.reason}" if request.reason else ".")
    if not decide_stop(platform, instance, why, ended_by=EndCause.FORCED):
        status = instance_of(platform, request.target_user_id)["status"]
        raise WrongState("stopped", status, "Nothing is running.")
    tell(platform, "stopped", instance, f"Your server is being stopped. {why}", why="forced")
    return {"success": True, "status": InstanceStatus.STOPPING, "message": "Instance stopping..."}


ACTION = Action(
    AdminForceShutdown,
    admin_force_shutdown,
    Scope.ADMIN,
    Command(
        "Stop a member's server",
        options={
            "target_user_id": "Whose",
            "reason": "Why; the audit keeps it",
        },
    ),
)
