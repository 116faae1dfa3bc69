"""What Ko-fi proves itself with: the verification token, kept in a secret."""

from __future__ import annotations

import hmac

from services import clock
from services.secrets import Secrets
from services.settings import Settings

_REMEMBERED_SECONDS = (
    300  # so that a flood of forged webhooks is not one of calls to Secrets Manager
)


class Kofi:
    """The secret with the key `verificationToken` that the operator keeps."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._token = b""
        self._until = 0

    def is_genuine(self, token: str) -> bool:
        """Whether `token` is Ko-fi's, compared in constant time; never if none is configured."""
        known = self._known()
        return bool(known) and hmac.compare_digest(token.encode(), known)

    def _known(self) -> bytes:
        if not self._settings.kofi_secret_arn:
            return b""
        if clock.now() >= self._until:
            secret = Secrets(self._settings).read(self._settings.kofi_secret_arn)
            self._token = secret.get("verificationToken", "").encode()
            self._until = clock.now() + _REMEMBERED_SECONDS
        return self._token
