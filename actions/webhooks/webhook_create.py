"""webhook-create: has a member told, at a URL, what becomes of the member's functions (docs/webhooks.md)."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest
from actions.errors import InvalidRequest
from actions.webhooks.errors import TooManyWebhooks, WebhookExists
from actions.webhooks.events import KINDS, Kind
from actions.webhooks.showing import shown
from services import clock, ids
from services.dynamodb import ConditionFailed, transact
from services.platform import Platform
from services.webhook_targets import LONGEST_URL, target_of
from services.webhooks import MOST, Webhook, id_of


class WebhookCreate(UserRequest):
    """Where to, and of which events: of all unless some are named."""

    url: Annotated[str, Field(min_length=1, max_length=LONGEST_URL)]
    events: Annotated[list[Kind], Field(min_length=1, max_length=len(KINDS))] | None = None


def webhook_create(request: WebhookCreate, platform: Platform) -> Answer:
    """Register a webhook. Its secret is in this answer and in no other. Raises WebhookExists, TooManyWebhooks."""
    try:
        target_of(request.url, sandbox=platform.settings.sandbox)
    except ValueError as refusal:
        raise InvalidRequest("url is not valid.", field="url", suggestion=str(refusal)) from None
    webhook: Webhook = {
        "userId": request.user_id,
        "webhookId": id_of(ids.new_id()),
        "url": request.url,
        "events": [kind for kind in KINDS if kind in (request.events or KINDS)],
        "createdAt": clock.now(),
    }
    secret = platform.webhook_delivery.secret_of(webhook["webhookId"])
    try:
        transact(*platform.webhooks.make(webhook))
    except ConditionFailed as refused:
        raise WebhookExists if 1 in refused.failed else TooManyWebhooks(MOST) from None
    return {"success": True, "webhook": {**shown(webhook), "secret": secret}}


ACTION = Action(WebhookCreate, webhook_create, Scope.USER)
