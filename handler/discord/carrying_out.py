"""What could not be answered at once, carried out by an invocation of its own."""

from __future__ import annotations

from typing import Any

import structlog
from pydantic import BaseModel

from actions.action import Answer
from actions.discord.telling import Told, tell
from actions.errors import Conflict, InvalidRequest
from actions.panels.crew import without_money
from handler import dispatch, failures
from handler.discord.words import message_of, refusal_of
from handler.telemetry import EventLog
from services import clock
from services.discord import NotSetUp
from services.dynamodb import ConditionFailed
from services.platform import Platform

_log = structlog.get_logger()
_LONGEST_SECONDS = (
    6 * 3600
)  # for which Lambda keeps what is invoked later (Lambda, Asynchronous invocation)


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
    event_log.name_action(order.action, order.userId)
    if order.asker != order.userId:
        _log.info("it is done for another", details={"by": order.asker})
    if clock.now() - order.at > _LONGEST_SECONDS:
        raise InvalidRequest("This order is too old.", field="sealed")
    try:
        outcome = platform.registry.claim_order(order.id, clock.now())
    except ConditionFailed:
        raise Conflict("The order is being carried out just now.", field="sealed") from None
    if outcome is None:
        said = _done(order, platform, event_log, request_id)
        told = Told(id=order.id, user_id=order.asker, token=order.token, at=order.at, message=said)
        platform.registry.note_outcome(order.id, platform.discord.seal(told.model_dump()))
    else:
        told = Told.model_validate(platform.discord.unseal(outcome))
    tell(platform, told)


def _done(order: Order, platform: Platform, event_log: EventLog, request_id: str) -> Answer:
    """Do it; the message that says what came of it."""
    caller = dispatch.Caller(user_id=order.userId, is_admin=order.isAdmin)
    try:
        answer = dispatch.run(order.action, order.payload, caller, platform)
        said = message_of(order.action, answer)
    except Exception as error:
        event_log.failed(error, failures.kind_of(error))
        told = error if order.asker == order.userId else without_money(error)
        said = refusal_of(told, request_id, order.action)
    else:
        event_log.succeeded()
    return {"components": []} | said
