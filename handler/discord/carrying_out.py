"""What could not be answered at once, carried out by an invocation of its own."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from actions.discord.telling import Told, tell
from actions.errors import Conflict, InvalidRequest
from handler import dispatch, failures
from handler.discord.words import message_of, refusal_of
from handler.telemetry import EventLog
from services import clock
from services.discord import NotSetUp
from services.dynamodb import ConditionFailed
from services.platform import Platform


class Order(BaseModel):
    """What a member wants done, as handler/discord/answering.py has sealed it."""

    id: str
    token: str
    at: int
    action: str
    payload: dict[str, Any]
    userId: str  # noqa: N815 - for whom it is done: who asks, or the owner of the table whose panel they use
    asker: str
    isAdmin: bool  # noqa: N815


def carry_out(sealed: str, platform: Platform, event_log: EventLog, request_id: str) -> None:
    """Do what was asked for and tell who has asked, once, however often Lambda delivers it.

    What an action refuses is told, too, and no failure: whoever has asked may ask again. Raises InvalidRequest for
    what was not sealed here, Conflict while it is being done, and what AWS raises if nothing of it could be noted.
    """
    try:
        order = Order.model_validate(platform.discord.unseal(sealed))
    except (ValueError, NotSetUp):
        raise InvalidRequest("This order is not the platform's own.", field="sealed") from None
    event_log.name_action(order.action, order.asker)
    try:
        if platform.registry.claim_order(order.id, clock.now()):
            return
    except ConditionFailed:
        raise Conflict("The order is being carried out just now.", field="sealed") from None
    caller = dispatch.Caller(user_id=order.userId, is_admin=order.isAdmin)
    try:
        said = message_of(order.action, dispatch.run(order.action, order.payload, caller, platform))
    except Exception as error:
        event_log.failed(error, failures.kind_of(error))
        said = refusal_of(error, request_id, order.action)
    said = {"components": []} | said
    told = Told(id=order.id, user_id=order.asker, token=order.token, at=order.at, message=said)
    tell(platform, told)
    platform.registry.note_done(order.id)
