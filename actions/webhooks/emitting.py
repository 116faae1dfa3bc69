"""Telling webhooks of an event: one message for each of the member's that wants to know of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from actions.webhooks.events import Kind, Message
from services.concurrency import concurrently
from services.platform import Platform

_DATA_BYTES = 20_000  # Standard Webhooks, Payload size


def emit(
    platform: Platform,
    user_id: str,
    event_id: str,
    kind: Kind,
    data: Mapping[str, Any],
    at: int,
) -> None:
    """Have the member's webhooks told that something happened at the moment `at`. Raises what AWS raises.

    Whoever repeats it, since it failed or may have, gives the same `event_id` (letters, digits, "-" and "_"), by
    which receivers know what they were told before. Of `data`, JSON, what is longest is left out beyond 20 KB.
    """
    wanted = [hook for hook in platform.webhooks.of_user(user_id) if kind in hook["events"]]
    told = _bounded(data)
    messages = [
        Message.model_validate(
            {
                "userId": user_id,
                "webhookId": hook["webhookId"],
                "eventId": event_id,
                "type": kind,
                "at": at,
                "data": told,
            }
        ).model_dump(by_alias=True)
        for hook in wanted
    ]
    concurrently(*(partial(platform.webhook_queue.send, user_id, each) for each in messages))


def _bounded(data: Mapping[str, Any]) -> dict[str, Any]:
    """As much of `data` as fits; `omitted` names the rest."""
    sizes = {name: len(json.dumps({name: value})) for name, value in data.items()}
    omitted: list[str] = []
    while sum(sizes.values()) > _DATA_BYTES:
        omitted.append(max(sizes, key=lambda name: sizes[name]))
        del sizes[omitted[-1]]
    told = {name: data[name] for name in sizes}
    return told | ({"omitted": omitted} if omitted else {})
