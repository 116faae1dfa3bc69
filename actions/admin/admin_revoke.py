"""admin-revoke: takes an administrator's rights away."""

from __future__ import annotations

from actions.action import Action, AdminOrder, Answer, Scope, UserId
from actions.command import Command
from actions.errors import Conflict, NotFound
from actions.retrying import retry_on_conflict
from services.dynamodb import transact
from services.platform import Platform


class AdminRevoke(AdminOrder):
    """Who takes whose rights away, and why."""

    target_user_id: UserId


def admin_revoke(request: AdminRevoke, platform: Platform) -> Answer:
    """Name an administrator no longer. Raises NotFound, Conflict for the last one or one of the operator's."""
    retry_on_conflict(lambda: _revoke(platform, request.target_user_id))
    return {"success": True, "message": "The member is no administrator any more"}


def _revoke(platform: Platform, user_id: str) -> None:
    operators = platform.settings.admins
    if user_id in operators:
        raise Conflict(
            "The operator has named this administrator.",
            field="targetUserId",
            suggestion="Take the user out of ADMIN_USER_IDS.",
        )
    named = platform.registry.admins()
    if user_id not in named["users"]:
        raise NotFound("This user is no administrator.", field="targetUserId", value=user_id)
    left = [user for user in named["users"] if user != user_id]
    if not left and not operators:
        raise Conflict(
            "The last administrator cannot be revoked.",
            field="targetUserId",
            suggestion="Name another one by admin-grant first.",
        )
    transact(platform.registry.name_admins(left, named))


ACTION = Action(
    AdminRevoke,
    admin_revoke,
    Scope.ADMIN,
    Command(
        "Let a member be an administrator no more",
        options={
            "target_user_id": "Whom",
            "reason": "Why; the audit keeps it",
        },
    ),
)
