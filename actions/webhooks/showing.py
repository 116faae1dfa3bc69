"""A webhook as its member sees it. The secret is shown once, by webhook-create."""

from __future__ import annotations

from actions.action import Answer
from services.webhooks import Webhook

_SHOWN = ("url", "events", "createdAt", "failedAt", "lastError")


def shown(webhook: Webhook) -> Answer:
    """What answers say of a webhook."""
    stored = dict(webhook)
    return {"id": webhook["webhookId"]} | {
        field: stored[field] for field in _SHOWN if field in stored
    }
