"""What Ko-fi proves itself with: the verification token, kept in a secret."""

from __future__ import annotations

import hmac

from services.secrets import Secrets
from services.settings import Settings


class Kofi:
    """The secret with the key `verificationToken` that the operator keeps."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets

    def is_genuine(self, token: str) -> bool:
        """Whether `token` is Ko-fi's, compared in constant time; never if none is configured."""
        known = self._known()
        return bool(known) and hmac.compare_digest(token.encode(), known)

    def _known(self) -> bytes:
        if not self._settings.kofi_secret_arn:
            return b""
        # Cached, so that a flood of forged webhooks is not one of calls to Secrets Manager.
        secret = self._secrets.cached(self._settings.kofi_secret_arn)
        return secret.get("verificationToken", "").encode()
