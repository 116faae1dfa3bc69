"""Where notices go: the stack's event bus, and a Discord channel's webhook if one is configured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from services.aws import client
from services.secrets import Secrets
from services.settings import Settings


class Undelivered(Exception):
    """A notice did not arrive; sending it again may help."""


class NoticeChannels:
    """The ways out."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def put(self, kind: str, detail: Mapping[str, Any]) -> None:
        """Put one event on the stack's bus, for whoever has a rule there. Raises Undelivered."""
        entry = {
            "EventBusName": self._settings.event_bus,
            "Source": "foundry.platform",
            "DetailType": kind,
            "Detail": json.dumps(detail),
        }
        answer = client("events").put_events(Entries=[entry])
        if answer["FailedEntryCount"]:
            raise Undelivered(answer["Entries"][0].get("ErrorCode", "unknown"))

    def post(self, text: str, rings: str | None = None) -> None:
        """Post `text` to the Discord webhook; nothing where none is configured. Raises Undelivered.

        It rings the user `rings` and nobody else, whatever a member's own words in it mention (Discord API,
        allowed_mentions).
        """
        if not self._settings.discord_webhook_secret_arn:
            return
        import urllib3

        # The address is the credential: it must not reach a log, so neither may urllib3's own errors.
        url = Secrets(self._settings).read(self._settings.discord_webhook_secret_arn)["url"]
        mentions = {"parse": [], "users": [rings] if rings else []}
        http = urllib3.PoolManager(timeout=urllib3.Timeout(total=5), retries=False)
        try:
            answer = http.request(
                "POST", url, json={"content": text[:2000], "allowed_mentions": mentions}
            )
        except urllib3.exceptions.HTTPError as error:
            raise Undelivered(type(error).__name__) from None
        if answer.status >= 300:
            raise Undelivered(f"Discord answered {answer.status}")
