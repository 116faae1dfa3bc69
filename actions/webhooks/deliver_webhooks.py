"""deliver-webhooks: posts what the queue has for members' webhooks, and for Discord, as Lambda hands it over.

What was not taken stays in the queue and comes again, less and less often, for an hour from its event on. Whatever
fails between, a message is deleted by Lambda only once this has answered that nothing is left to do with it.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import structlog
from pydantic import BaseModel, Field, TypeAdapter

from actions.action import Action, Answer, Request, Scope, SystemRequest
from actions.discord.telling import tell_queued
from actions.errors import Forbidden
from actions.webhooks.events import Message
from services import clock, ids
from services.aws import AWS_FAILURES
from services.concurrency import outcomes_of
from services.dynamodb import ConditionFailed
from services.platform import Platform
from services.webhook_delivery import NotDelivered

_log = structlog.get_logger()
HOPEFUL_SECONDS = 3600  # after an event; then it is given up
_SOONEST, _LONGEST_WAIT = 15, 900
_AWS_RESTS_SECONDS = 60


class Record(Request):
    """A message as Lambda hands it over (AWS Lambda, Using Lambda with Amazon SQS)."""

    message_id: str
    receipt_handle: str
    body: str
    event_source_arn: Annotated[str, Field(alias="eventSourceARN")]


class Answered(BaseModel):
    """What Discord did not take at once (actions/discord/telling.py)."""

    sealed: str


_QUEUED: TypeAdapter[Answered | Message] = TypeAdapter(Answered | Message)


class DeliverWebhooks(SystemRequest):
    """The messages of an event, as handler/events.py hands them over."""

    records: list[Record]


def deliver_webhooks(request: DeliverWebhooks, platform: Platform) -> Answer:
    """Post all messages, side by side. `left` names those that come again. Raises Forbidden for another queue's."""
    ours = platform.settings.webhook_queue_arn
    if any(record.event_source_arn != ours for record in request.records):
        raise Forbidden("The event is of another queue.", field="records.eventSourceARN")
    outcomes = outcomes_of([partial(_is_settled, platform, record) for record in request.records])
    left = []
    for record, outcome in zip(request.records, outcomes, strict=True):
        if isinstance(outcome, Exception):
            _log.error("a message was not carried out", exc_info=outcome)
        if outcome is not True:
            left.append(record.message_id)
    return {"success": True, "failures": len(left), "left": left}


def _is_settled(platform: Platform, record: Record) -> bool:
    """Whether nothing is left to do with a message. If something is, it comes again by itself."""
    message = _QUEUED.validate_json(record.body)
    try:
        wait = (
            tell_queued(platform, message.sealed)
            if isinstance(message, Answered)
            else _post(platform, message)
        )
    except AWS_FAILURES:
        _log.warning("AWS failed while somebody was told", exc_info=True)
        wait = _AWS_RESTS_SECONDS
    if wait is None:
        return True
    # If this fails, or the process dies, it comes again when the queue's own time is over.
    platform.webhook_queue.put_back(record.receipt_handle, wait)
    return False


def _post(platform: Platform, message: Message) -> int | None:
    """Post a message; returns after how many seconds to do so again, or None if that need not be.

    It need not be if the message was taken, if nobody wants it any more, or if it is given up.
    """
    webhook = platform.webhooks.find(message.user_id, message.webhook_id)
    if webhook is None:
        return None
    try:
        platform.webhook_delivery.post(
            message.webhook_id, webhook["url"], message.event_id, _body(message)
        )
    except NotDelivered as failure:
        why, now = str(failure), clock.now()
    else:
        return None
    age = now - message.at
    _log.info("a webhook did not take a message", details={"reason": why, "age": age})
    if age < HOPEFUL_SECONDS:
        return _wait(age)
    with suppress(ConditionFailed):  # deleted meanwhile
        platform.webhooks.note_failure(webhook, why, now)
    return None


def _wait(age: int) -> int:
    """How long to wait: as long again as since the event, so 15 s, 30 s, 1 minute … a quarter of an hour.

    The last attempt is when hope ends. Those that failed together, since what they lead to failed, come apart.
    """
    wait = min(max(age, 0) + _SOONEST, _LONGEST_WAIT, HOPEFUL_SECONDS - age)
    return round(wait + ids.jitter(wait / 5))


def _body(message: Message) -> bytes:
    """The same however often it is sent."""
    moment = datetime.fromtimestamp(message.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    said = {
        "id": message.event_id,
        "type": message.type,
        "timestamp": moment,
        "data": message.data,
    }
    return json.dumps(said, separators=(",", ":")).encode()


ACTION = Action(DeliverWebhooks, deliver_webhooks, Scope.SYSTEM)
