"""What is derived from the stack's one key: kept nowhere, and the same whenever it is needed."""

from __future__ import annotations

import hmac

from services.secrets import Secrets
from services.settings import Settings


class StackKey:
    """The key of the stack, from which each use gets a key of its own."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets

    def derived(self, what: str) -> bytes:
        """32 bytes that only who knows the key can tell, for what `what` names.

        Uses name themselves so that none can be another's: webhooks by their ids (`wh_…`), all others by a word and
        a colon before what they derive from.
        """
        key = self._secrets.cached(self._settings.webhook_key)["key"]
        return hmac.digest(key.encode(), what.encode(), "sha256")
