"""webhook-delete: nothing more is sent to the webhook, nor what is on its way."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest
from actions.webhooks.errors import NoSuchWebhook
from services.dynamodb import ConditionFailed, transact
from services.platform import Platform


class WebhookDelete(UserRequest):
    """Which one."""

    id: Annotated[str, Field(min_length=1, max_length=255)]


def webhook_delete(request: WebhookDelete, platform: Platform) -> Answer:
    """Remove a webhook. Raises NoSuchWebhook."""
    webhook = platform.webhooks.find(request.user_id, request.id)
    if webhook is None:
        raise NoSuchWebhook(request.id)
    try:
        transact(*platform.webhooks.remove(webhook))
    except ConditionFailed:
        raise NoSuchWebhook(request.id) from None
    return {"success": True, "message": "The webhook is told nothing more"}


ACTION = Action(WebhookDelete, webhook_delete, Scope.USER)
