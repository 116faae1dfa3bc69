"""The table of webhooks: the URLs at which members want to be told of their functions.

Of a member it holds each webhook, a claim on each URL, since being told twice at one URL helps nobody, and how many
there are.
"""

from __future__ import annotations

from hashlib import sha256
from typing import NotRequired, TypedDict, cast

from services.dynamodb import Attr, Key, Operation, Table, absent

MOST = 10  # of a member
_PREFIX = "wh_"
_COUNT = "count"


class Webhook(TypedDict):
    """One webhook. `failedAt` and `lastError` are of the last message that was given up."""

    userId: str
    webhookId: str
    url: str
    events: list[str]
    createdAt: int
    failedAt: NotRequired[int]
    lastError: NotRequired[str]


class Webhooks(Table):
    """Reads and writes of webhooks."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "userId", "webhookId")

    def find(self, user_id: str, webhook_id: str) -> Webhook | None:
        """The member's webhook as it is now."""
        is_one = webhook_id.startswith(_PREFIX)
        return cast("Webhook | None", self.get((user_id, webhook_id)) if is_one else None)

    def of_user(self, user_id: str) -> list[Webhook]:
        """All webhooks of a member's, in no order."""
        whose = Key("userId").eq(user_id) & Key("webhookId").begins_with(_PREFIX)
        return cast("list[Webhook]", list(self.query(None, whose)))

    def make(self, webhook: Webhook) -> list[Operation]:
        """The operations that store a webhook: the second is refused if one has its URL, the third beyond MOST."""
        user_id = webhook["userId"]
        claim = {"userId": user_id, "webhookId": _claim(webhook["url"])}
        free = absent("count") | Attr("count").lt(MOST)
        return [
            self.put(webhook, absent("webhookId")),
            self.put(claim, absent("webhookId")),
            self.update((user_id, _COUNT), free, {}, add={"count": 1}),
        ]

    def remove(self, webhook: Webhook) -> list[Operation]:
        """The operations that remove a webhook; the first is refused if it is gone."""
        user_id = webhook["userId"]
        return [
            self.delete((user_id, webhook["webhookId"]), Attr("webhookId").exists()),
            self.delete((user_id, _claim(webhook["url"]))),
            self.update((user_id, _COUNT), None, {}, add={"count": -1}),
        ]

    def note_failure(self, webhook: Webhook, why: str, now: int) -> None:
        """Note that a message was given up. Raises ConditionFailed if the webhook is gone."""
        key = webhook["userId"], webhook["webhookId"]
        values = {"failedAt": now, "lastError": why}
        self.apply_update(self.update(key, Attr("webhookId").exists(), values))


def id_of(random: str) -> str:
    """The id of a webhook, made of a random one: all of them begin alike."""
    return f"{_PREFIX}{random}"


def _claim(url: str) -> str:
    return f"url:{sha256(url.encode()).hexdigest()}"
