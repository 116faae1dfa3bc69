"""admin-grant: makes a member an administrator."""

from __future__ import annotations

from actions.action import Action, AdminOrder, Answer, Scope, UserId
from actions.command import Command
from actions.retrying import retry_on_conflict
from services.dynamodb import transact
from services.platform import Platform


class AdminGrant(AdminOrder):
    """Who makes whom an administrator, and why."""

    target_user_id: UserId


def admin_grant(request: AdminGrant, platform: Platform) -> Answer:
    """Name an administrator; naming one twice changes nothing."""
    retry_on_conflict(lambda: _grant(platform, request.target_user_id))
    return {"success": True, "message": "The member is an administrator"}


def _grant(platform: Platform, user_id: str) -> None:
    named = platform.registry.admins()
    if user_id not in named["users"]:
        transact(platform.registry.name_admins([*named["users"], user_id], named))


ACTION = Action(
    AdminGrant,
    admin_grant,
    Scope.ADMIN,
    Command(
        "Make a member an administrator",
        options={
            "target_user_id": "Whom",
            "reason": "Why; the audit keeps it",
        },
    ),
)
