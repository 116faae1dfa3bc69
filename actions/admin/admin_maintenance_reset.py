"""admin-maintenance-reset: looks for what should not be, mends it, and says what it mended."""

from __future__ import annotations

from actions.action import Action, AdminOrder, Answer, Scope
from actions.admin.recounting import recount, release_unused
from actions.command import Command
from services.platform import Platform


class AdminMaintenanceReset(AdminOrder):
    """Who asks, and why."""


def admin_maintenance_reset(request: AdminMaintenanceReset, platform: Platform) -> Answer:
    """Release licences that no run and no lease holds any more, and count the counters anew.

    Reads whole tables. What changes while it reads is left alone: it is right, or the next repair mends it.
    """
    released = release_unused(platform)
    counters = recount(platform)
    return {
        "success": True,
        "licensesReleased": released,
        "countersMended": counters,
        "message": "Something was mended" if released or counters else "All was as it should be",
    }


ACTION = Action(
    AdminMaintenanceReset,
    admin_maintenance_reset,
    Scope.ADMIN,
    Command(
        "Count servers and totals anew",
        options={
            "reason": "Why; the audit keeps it",
        },
    ),
)
