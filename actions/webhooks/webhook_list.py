"""webhook-list: a member's webhooks, the latest first; ten at most."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.webhooks.showing import shown
from services.platform import Platform


class WebhookList(UserRequest):
    """Whose webhooks."""


def webhook_list(request: WebhookList, platform: Platform) -> Answer:
    """All webhooks. `failedAt` and `lastError` tell of the last message that was given up, if one was."""
    webhooks = platform.webhooks.of_user(request.user_id)
    webhooks.sort(key=lambda webhook: (-webhook["createdAt"], webhook["webhookId"]))
    return {"success": True, "webhooks": [shown(webhook) for webhook in webhooks]}


ACTION = Action(WebhookList, webhook_list, Scope.USER)
