"""Discord: its proof that a request is its own, and its HTTP API (Discord, Interactions and API Reference)."""

from __future__ import annotations

import hmac
import json
import math
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import structlog
from botocore.exceptions import ClientError

from services import clock
from services.aws import code_of
from services.secrets import Secrets
from services.settings import Settings

API = "https://discord.com/api/v10"
TOKEN_SECONDS = 900  # for which an interaction's answer can be edited
_LATE_SECONDS = 300  # after which a signature proves nothing any more
_LACKING_SECONDS = 10  # for which it is not looked again whether the operator has made the secret
_KEYS = ("publicKey", "botToken", "guildId")
_log = structlog.get_logger()


class NotSetUp(Exception):
    """The operator has set up no Discord, or its secret is of no use. Its words hold nothing of the secret."""


class Undelivered(Exception):
    """Discord did not take a request, which may have had its effect; the same may succeed after `wait` seconds."""

    def __init__(self, reason: str, wait: float = 5.0) -> None:
        super().__init__(reason)
        self.wait = wait


class Refused(Exception):
    """Discord refused a request, and always will: `code` is its own (Opcodes and Status Codes, JSON)."""

    def __init__(self, status: int, code: int) -> None:
        super().__init__(f"Discord answered {status}, code {code}")
        self.status, self.code = status, code


@dataclass(frozen=True, repr=False)
class Account:
    """What the operator has of Discord: the application, its bot and the one guild that it serves."""

    application_id: str
    public_key: str
    bot_token: str
    guild_id: str
    admin_role_id: str = ""  # whose members are administrators
    api: str = API


class Discord:
    """The application whose id the stack was given; the rest is the secret `<stack>/discord`."""

    def __init__(self, settings: Settings, secrets: Secrets) -> None:
        self._settings = settings
        self._secrets = secrets
        self._lacking: tuple[str, int] | None = None  # what was wrong with the secret, and when

    def account(self) -> Account:
        """What is set up, remembered for five minutes. Raises NotSetUp."""
        application_id = self._settings.discord_application_id
        if not application_id:
            raise NotSetUp("DISCORD_APPLICATION_ID is empty")
        # Both are remembered, so that a flood of forged requests is not one of calls to Secrets Manager.
        if self._lacking and clock.now() - self._lacking[1] < _LACKING_SECONDS:
            raise NotSetUp(self._lacking[0])
        try:
            return _account(application_id, self._held())
        except NotSetUp as lacking:
            self._lacking = str(lacking), clock.now()
            raise

    def _held(self) -> Any:
        try:
            return self._secrets.cached(self._settings.discord_secret)
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            raise NotSetUp(f"there is no secret {self._settings.discord_secret}") from None
        except ValueError:
            raise NotSetUp("the secret is not JSON") from None

    def is_genuine(self, signature: str, timestamp: str, body: bytes) -> bool:
        """Whether Discord has signed a request within the last five minutes. Where nothing is set up, none is.

        The signature is Ed25519's over the timestamp and the body as it came (Discord, Interactions Overview).
        """
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

        if not _is_recent(timestamp):
            return False
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.account().public_key))
        except (NotSetUp, ValueError) as error:
            _log.error("Discord cannot be answered", details={"why": str(error)})
            return False
        try:
            key.verify(bytes.fromhex(signature), timestamp.encode() + body)
        except (InvalidSignature, ValueError):
            return False
        return True

    def seal(self, order: Mapping[str, Any]) -> str:
        """An order that a later invocation is to carry out, which nobody else can read or make."""
        return str(self._seals().encrypt(json.dumps(order).encode()), "ascii")

    def unseal(self, sealed: str) -> dict[str, Any]:
        """The order that was sealed. Raises ValueError for anything else."""
        from cryptography.fernet import InvalidToken

        try:
            opened: dict[str, Any] = json.loads(self._seals().decrypt(sealed.encode()))
        except InvalidToken:
            raise ValueError("It was not sealed here.") from None
        return opened

    def _seals(self) -> Any:
        """What seals: with a key that follows from the bot's token, which whoever gets here has read."""
        from cryptography.fernet import Fernet

        key = hmac.digest(self.account().bot_token.encode(), b"orders", "sha256")
        return Fernet(urlsafe_b64encode(key))

    def call(
        self,
        method: str,
        *path: str,
        body: Any = None,
        as_bot: bool = True,
        query: Mapping[str, str] | None = None,
    ) -> Any:
        """One request to the API, of `path` part by part; its answer, if there is one. Never tried twice.

        Raises Undelivered, Refused, NotSetUp; none of them shows the path, in which a token may be.
        """
        import urllib3

        account = self.account()
        url = "/".join((account.api, *(quote(part, safe="@") for part in path)))
        if query:
            url += f"?{urlencode(query)}"
        headers = {"User-Agent": "DiscordBot (foundry-platform, 1)"}  # API Reference, User Agent
        if as_bot:
            headers["Authorization"] = f"Bot {account.bot_token}"
        http = urllib3.PoolManager(timeout=urllib3.Timeout(total=5), retries=False)
        try:
            answer = http.request(method, url, json=body, headers=headers)
        except urllib3.exceptions.HTTPError as error:
            raise Undelivered(type(error).__name__) from None
        return _taken(answer)


def _account(application_id: str, held: Any) -> Account:
    lacking = [k for k in _KEYS if not isinstance(held, dict) or not str(held.get(k, "")).strip()]
    if lacking:
        raise NotSetUp(f"the secret lacks {', '.join(lacking)}")
    text = {name: str(value).strip() for name, value in held.items()}
    public_key, bot_token, guild_id = (text[key] for key in _KEYS)
    admins, api = text.get("adminRoleId", ""), text.get("api", API)
    return Account(application_id, public_key, bot_token, guild_id, admins, api)


def _is_recent(timestamp: str) -> bool:
    return (
        timestamp.isascii()
        and timestamp.isdecimal()
        and len(timestamp) <= 12
        and abs(clock.now() - int(timestamp)) <= _LATE_SECONDS
    )


def _taken(answer: Any) -> Any:
    """What Discord has answered. Raises Undelivered, Refused."""
    try:
        said = json.loads(answer.data) if answer.data else None
    except (ValueError, RecursionError):
        said = None  # a page of what stands before Discord
    found = said if isinstance(said, dict) else {}
    if answer.status == 429:
        wait = found.get("retry_after") or answer.headers.get("retry-after")
        raise Undelivered("Discord is asked too often", max(_seconds(wait), 5.0))
    if answer.status >= 500:
        raise Undelivered(f"Discord answered {answer.status}")
    if answer.status >= 300:
        code = found.get("code")
        raise Refused(answer.status, code if isinstance(code, int) else 0)
    if answer.data and said is None:
        raise Undelivered("Discord answered something else than JSON")
    return said


def _seconds(said: object) -> float:
    """For how long to wait, as Discord says; a second where that is no number."""
    try:
        seconds = float(str(said))
    except ValueError:
        return 1.0
    return min(max(seconds, 0.0), 3600.0) if math.isfinite(seconds) else 1.0
