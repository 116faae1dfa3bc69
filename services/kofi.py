"""What Ko-fi proves itself with: the verification token, kept in a secret that the operator writes by hand."""

from __future__ import annotations

import hmac
import json

import structlog
from botocore.exceptions import ClientError

from services.secrets import Secrets
from services.settings import Settings

_KEY = "verificationToken"
_log = structlog.get_logger()


class UnusableSecret(ValueError):
    """The secret holds no token. Its words say why, and nothing of what it holds."""


class Kofi:
    """The secret with the key `verificationToken`, or of nothing but the token."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets

    def is_genuine(self, token: str) -> bool:
        """Whether `token` is Ko-fi's, compared in constant time; never if none is configured.

        Where the secret holds none, the log says what is wrong with it.
        """
        if not self._settings.kofi_secret_arn:
            return False
        try:
            # Cached, so that a flood of forged webhooks is not one of calls to Secrets Manager.
            known = token_in(self._secrets.cached_text(self._settings.kofi_secret_arn))
        except (UnusableSecret, ClientError) as error:
            _log.error("Ko-fi's secret is of no use", details={"KOFI_SECRET_ARN": str(error)})
            if isinstance(error, ClientError):
                raise  # Ko-fi asks again later
            return False
        return hmac.compare_digest(token.encode(), known.encode())


def token_in(text: str) -> str:
    """The token in a secret's text, without white space around it; raises UnusableSecret."""
    found: object = text
    if text.lstrip()[:1] in ("{", '"'):
        try:
            found = json.loads(text)
        except ValueError:
            raise UnusableSecret("It begins like JSON and is none.") from None
    if isinstance(found, dict):
        if _KEY not in found:
            raise UnusableSecret(f"It has no key {_KEY}; it has {len(found)} others.")
        found = found[_KEY]
    if not isinstance(found, str) or not found.strip():
        raise UnusableSecret(f"It is empty, or its {_KEY} is empty or no text.")
    return found.strip()
