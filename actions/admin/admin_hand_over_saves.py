"""admin-hand-over-saves: lets another member have what is left of a member's destroyed server."""

from __future__ import annotations

from actions.action import Action, AdminOrder, Answer, Scope, UserId
from actions.command import Command
from actions.errors import Conflict, InvalidRequest, NotFound
from actions.notices import announce
from actions.saves.finding import shown_departed
from services import clock
from services.dynamodb import ConditionFailed, transact
from services.platform import Platform
from services.saves import Departed, departed_name


class AdminHandOverSaves(AdminOrder):
    """Whose server was destroyed, who is to have its saves, and why; both are told the reason."""

    target_user_id: UserId
    to_user_id: UserId


def admin_hand_over_saves(request: AdminHandOverSaves, platform: Platform) -> Answer:
    """Let `toUserId` bring back by restore-instance what `targetUserId` would bring back by it, and no longer can.

    It can be had as long as before. Until it has come back, asking again changes nothing and says the same. Raises
    InvalidRequest, NotFound, Conflict.
    """
    if request.target_user_id == request.to_user_id:
        raise InvalidRequest(
            "The saves are that member's already.",
            field="toUserId",
            suggestion="Name the member who is to have them.",
        )
    # In this order: else what the same order hands over in between would not be found, but the next one.
    departed = platform.saves.comes_back_first(request.target_user_id)
    handed = _handed_over(request, platform) or _hand_over(request, platform, departed)
    _tell(request, platform, handed)
    return {
        "success": True,
        "departed": shown_departed(handed),
        "message": "The other member brings the server back with restore-instance",
    }


def _handed_over(request: AdminHandOverSaves, platform: Platform) -> Departed | None:
    waiting = platform.saves.departed_of(request.to_user_id)
    former = request.target_user_id
    return next((one for one in waiting if one.get("formerUserId") == former), None)


def _hand_over(
    request: AdminHandOverSaves, platform: Platform, departed: Departed | None
) -> Departed:
    whose, now = {"field": "targetUserId", "value": request.target_user_id}, clock.now()
    if departed is None or departed["until"] <= now:
        raise NotFound("No destroyed server of the member's could come back.", **whose)
    handed: Departed = {
        **departed,
        "repository": departed_name(request.to_user_id),
        "userId": request.to_user_id,
        "formerUserId": request.target_user_id,
        "handedOverAt": now,
    }
    try:
        transact(*platform.saves.hand_over(departed, handed))
    except ConditionFailed:
        raise Conflict(
            "The server comes back just now, or was just handed over.",
            **whose,
            suggestion="Ask again in some minutes.",
        ) from None
    return handed


def _tell(request: AdminHandOverSaves, platform: Platform, handed: Departed) -> None:
    """Tell both members; repeating it tells them nothing twice."""
    name, until = handed["username"], handed["until"]
    why = f": {request.reason}" if request.reason else "."
    notices = {
        "saves-handed-over": (
            request.target_user_id,
            f"An administrator has handed the saves of your destroyed server {name} over to another member{why}",
        ),
        "saves-received": (
            request.to_user_id,
            f"With restore-instance you can have the server {name}, handed over to you by an administrator{why}",
        ),
    }
    for kind, (user_id, message) in notices.items():
        notice_id = f"{handed['saveId']}:{handed['handedOverAt']}:{kind}"
        announce(platform, kind, user_id, message, notice_id=notice_id, facts={"until": until})


ACTION = Action(
    AdminHandOverSaves,
    admin_hand_over_saves,
    Scope.ADMIN,
    Command(
        "Give what is left of a destroyed server to another member",
        options={
            "target_user_id": "Whose it was",
            "to_user_id": "Whose it becomes",
            "reason": "Why; the audit keeps it",
        },
    ),
)
