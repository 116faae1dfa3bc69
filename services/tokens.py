"""Bearer tokens: who one stands for. Two kinds are taken, told apart by their algorithm.

RS256: an ID token of the platform's Cognito user pool. HS256: one that the platform issued itself, signed with the
key of a secret (`TOKEN_SECRET_ARN`). While the key is being changed, the secret's `previous` is taken too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import jwt

from services import clock, ids
from services.clients import Client, Clients
from services.cognito import Cognito
from services.errors import TokenExpired, TokenRefused
from services.registry import REVOKED_SECONDS, Registry
from services.secrets import Secrets
from services.settings import Settings

if TYPE_CHECKING:
    from jwt.types import Options

ISSUER = "foundry-platform"
SYSTEM = "system"
_LONGEST = 8192  # characters; Cognito's tokens are some 1,000
_LEEWAY_SECONDS = 5  # between two machines' clocks
# What actions.action.UserId takes, too: a user must be somebody who can have a server.
_OF_COGNITO = ("exp", "iat", "sub", "aud", "iss", "token_use")
_USER = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:@|-]{0,63}")


@dataclass(frozen=True)
class Bearer:
    """Who a token stands for, a user or a client, and what it lets them do besides their own."""

    user_id: str | None
    scopes: frozenset[str]
    client_id: str | None = None


class Tokens:
    """Checks tokens, and issues the platform's own."""

    def __init__(
        self, settings: Settings, secrets: Secrets, registry: Registry, clients: Clients
    ) -> None:
        self._settings = settings
        self._secrets = secrets
        self._registry = registry
        self._clients = clients
        self._revoked: tuple[Collection[str], int] = ((), -REVOKED_SECONDS)
        self._checked: tuple[int, dict[str, Bearer]] = (0, {})  # within that second
        self._cognito = Cognito(settings)

    def at_hand(self, token: str) -> Bearer | None:
        """Whose token it is, if that was found within this second; nobody is asked."""
        moment, known = self._checked
        return known.get(token) if moment == clock.now() else None

    def bearer(self, token: str) -> Bearer:
        """Whose token it is. Raises TokenRefused, or KeysUnreachable if it could not be checked in time."""
        found, now = self._bearer(token), clock.now()
        if self._checked[0] != now:
            self._checked = now, {}
        self._checked[1][token] = found
        return found

    def _bearer(self, token: str) -> Bearer:
        with _refusing():
            if len(token) > _LONGEST:
                raise TokenRefused("The token is not valid.")
            header = jwt.get_unverified_header(token)
            if header.get("alg") == "HS256":
                claims = self._own(token)
                self._refuse_revoked(claims.get("jti"))
                if claims["aud"] == self._of_clients:
                    return self._client(claims)
                return bearer_of(claims.get("sub"), claims.get("scope"))
            return self._of_cognito(token, str(header.get("kid")))

    def of_gateway(self, claims: Mapping[str, Any]) -> Bearer:
        """Whom API Gateway's authorizer found in a token whose signature it has checked. Raises TokenRefused.

        All but the signature is checked again: an authorizer may take tokens of other clients of the pool, and
        access tokens, and hands on what it remembers of a token after its end.
        """
        with _refusing():
            issued = {name: _as_issued(name, value) for name, value in claims.items()}
            return self._of_cognito(jwt.encode(issued, "", algorithm="none"))

    def issue(
        self, user_id: str, seconds: int, scopes: Iterable[str] = (), token_id: str = ""
    ) -> str:
        """A token of the platform's own for `user_id`, valid for `seconds`; by its id it can be taken back."""
        claims = {"aud": self._settings.stack, "sub": user_id, "scope": " ".join(scopes)}
        return self._signed(claims, seconds, token_id)

    def issue_to_client(self, client: Client, seconds: int) -> str:
        """A token for a client, valid for `seconds`, or until its secret is changed or it is removed."""
        claims = {
            "aud": self._of_clients,
            "sub": client["clientId"],
            "client_id": client["clientId"],
            "generation": client["generation"],
            "scope": " ".join(client["scopes"]),
        }
        return self._signed(claims, seconds)

    def _signed(self, claims: Mapping[str, Any], seconds: int, token_id: str = "") -> str:
        now = clock.now()
        issued = {"iat": now, "exp": now + seconds, "jti": token_id or ids.new_run_id()}
        whole = {"iss": ISSUER, **claims, **issued}
        return jwt.encode(whole, self._own_keys()[0], algorithm="HS256")

    @property
    def _of_clients(self) -> str:
        """The audience of clients' tokens: no client's id is ever taken for a user's."""
        return f"{self._settings.stack}/clients"

    def _client(self, claims: Mapping[str, Any]) -> Bearer:
        """The client of a token, with its present scopes; a token ends with the secret that it was given for."""
        # Who has just got another secret has a token that is newer than what is remembered.
        client = self._clients.known(str(claims["sub"]), str(claims.get("generation")))
        if client is None or client["generation"] != claims.get("generation"):
            raise TokenRefused("The token has been revoked.")
        return Bearer(None, frozenset(client["scopes"]), client["clientId"])

    def _own(self, token: str) -> dict[str, Any]:
        refused: jwt.InvalidSignatureError | None = None
        for key in self._own_keys():
            try:
                return jwt.decode(
                    token,
                    key,
                    algorithms=["HS256"],
                    audience=[self._settings.stack, self._of_clients],
                    issuer=ISSUER,
                    leeway=_LEEWAY_SECONDS,
                    options={"require": ["exp", "iat", "sub", "aud", "iss"]},
                )
            except jwt.InvalidSignatureError as error:
                refused = error
        raise refused or TokenRefused("Tokens of this kind are not taken here.")

    def _refuse_revoked(self, token_id: str | None) -> None:
        """Refuse what an administrator has taken back. What has no id cannot be."""
        if token_id is None:
            return
        if not 0 <= clock.now() - self._revoked[1] < REVOKED_SECONDS:
            tokens = self._registry.revoked_tokens()["tokens"]
            self._revoked = {token["id"] for token in tokens}, clock.now()
        if token_id in self._revoked[0]:
            raise TokenRefused("The token has been revoked.")

    def _own_keys(self) -> list[str]:
        if not self._settings.token_secret_arn:
            return []
        kept = self._secrets.cached(self._settings.token_secret_arn)
        return [kept[name] for name in ("key", "previous") if kept.get(name)]

    def _of_cognito(self, token: str, key_id: str | None = None) -> Bearer:
        """Whose an ID token of the pool is; without a `key_id` its signature has been checked elsewhere."""
        pool = self._cognito.pool()
        if pool is None:
            raise TokenRefused("Tokens of this kind are not taken here.")
        # What a token says of itself is no secret, and an access token would fail for its missing audience.
        _refuse_access_token(jwt.decode(token, options={"verify_signature": False}))
        checked: Options = {
            "verify_signature": key_id is not None,
            "verify_exp": True,
            "verify_iat": True,
            "verify_nbf": True,
            "verify_aud": True,
            "verify_iss": True,
            "require": [*_OF_COGNITO],
        }
        claims = jwt.decode(
            token,
            "" if key_id is None else self._cognito.key(pool, key_id),
            algorithms=["RS256"],
            audience=pool.client_id,
            issuer=pool.issuer,
            leeway=_LEEWAY_SECONDS,
            options=checked,
        )
        return of_cognito(claims)


@contextmanager
def _refusing() -> Iterator[None]:
    """Say of a bad token that it has expired, or that it is not valid, and no more."""
    try:
        yield
    except jwt.ExpiredSignatureError:
        raise TokenExpired from None
    except (jwt.PyJWTError, ValueError, TypeError):
        raise TokenRefused("The token is not valid.") from None


def _as_issued(name: str, value: Any) -> Any:
    """A claim as the token has it: a REST API hands its times on as text, `Thu Nov 26 05:00:00 UTC 2026`."""
    if name not in ("exp", "iat", "nbf") or not isinstance(value, str) or value.isdecimal():
        return value
    return datetime.strptime(value, "%a %b %d %H:%M:%S UTC %Y").replace(tzinfo=UTC)


def _refuse_access_token(claims: Mapping[str, Any]) -> None:
    if claims.get("token_use", "id") != "id":
        raise TokenRefused("This is not an ID token.")


def of_cognito(claims: Mapping[str, Any]) -> Bearer:
    """Who the checked claims of an ID token stand for: the Discord id that an operator entered, else the username.

    `sub` would be safe from choice, too, but is no id that the platform knows. Raises TokenRefused.
    """
    _refuse_access_token(claims)
    user = claims.get("custom:discord_id") or claims.get("cognito:username")
    return bearer_of(user, claims.get("cognito:groups"))


def bearer_of(user: object, scopes: object) -> Bearer:
    """A bearer, if `user` can be one. Scopes come as a list or as text, `a b`, `a,b` or API Gateway's `[a b]`."""
    if not isinstance(user, str) or not _USER.fullmatch(user) or user == SYSTEM:
        raise TokenRefused("The token names no user who could call.")
    listed = re.split(r"[\s,\[\]]+", scopes) if isinstance(scopes, str) else scopes or ()
    names = listed if isinstance(listed, list | tuple) else ()
    return Bearer(user, frozenset(name for name in names if isinstance(name, str) and name))
