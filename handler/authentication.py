"""Who calls, told by a bearer token or by the claims of one that was checked before. Knows no transport."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from actions.errors import TimedOut, TokenHasExpired, Unauthenticated
from handler.dispatch import Caller
from services.errors import KeysUnreachable, TokenExpired, TokenRefused
from services.platform import Platform

if TYPE_CHECKING:
    from services.tokens import Bearer


def by_token(token: str, platform: Platform) -> Caller:
    """The caller whom `token` stands for. Raises Unauthenticated, or TimedOut if it could not be checked."""
    return _caller(lambda: platform.tokens.bearer(token))


def at_hand(token: str, platform: Platform) -> Caller | None:
    """The caller whom `token` stands for, if it was checked a moment ago, so that nobody has to be waited for."""
    bearer = platform.tokens.at_hand(token)
    return None if bearer is None else _of(bearer)


def by_claims(claims: Mapping[str, Any], platform: Platform) -> Caller:
    """The caller whom API Gateway's authorizer found. Raises Unauthenticated."""
    return _caller(lambda: platform.tokens.of_gateway(claims))


def by_hand(claims: Mapping[str, Any]) -> Caller:
    """The caller whom somebody names who could name any user directly. Raises Unauthenticated."""
    from services.tokens import of_cognito

    return _caller(lambda: of_cognito(claims))


def _caller(found: Callable[[], Bearer]) -> Caller:
    try:
        bearer = found()
    except TokenExpired:
        raise TokenHasExpired from None
    except TokenRefused as refusal:
        raise Unauthenticated(refusal.reason) from None
    except KeysUnreachable:
        raise TimedOut("The user pool that issued the token") from None
    return _of(bearer)


def _of(bearer: Bearer) -> Caller:
    return Caller(bearer.user_id, scopes=bearer.scopes, client_id=bearer.client_id)
