"""client-token: a client proves who it is by its secret and gets a token for an hour.

Attempts with a wrong secret are limited, by client and by the address that they come from.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, ClientId, Request, Scope, Secret
from actions.addresses import network_of
from actions.errors import NotTheClient, TooManyAttempts
from services import clock
from services.clients import is_proved
from services.dynamodb import ConditionFailed, transact
from services.platform import Platform

EXPIRES_IN = 3600  # seconds (contract, Token Generation)
_WINDOW = 900  # seconds
# Attempts in vain in each window; a community's programs share few addresses.
_BY_CLIENT, _BY_ADDRESS = 100, 30


class ClientToken(Request):
    """Which client, its secret, and the address of whoever sends it, as far as it is known."""

    client_id: ClientId
    client_secret: Secret
    caller_address: Annotated[str, Field(max_length=64)] | None = None


def client_token(request: ClientToken, platform: Platform) -> Answer:
    """A token. Raises NotTheClient, whichever of the two is wrong, and TooManyAttempts."""
    now = clock.now()
    _count(request, platform, now)
    secret = request.client_secret.get_secret_value()
    client = platform.clients.find(request.client_id)
    if not is_proved(client, request.client_id, secret) or client is None:
        raise NotTheClient
    transact(*(platform.registry.forgive_attempt(w, _WINDOW, now) for w in _limits(request)))
    token = platform.tokens.issue_to_client(client, EXPIRES_IN)
    return {"success": True, "token": token, "expiresIn": EXPIRES_IN}


def _count(request: ClientToken, platform: Platform, now: int) -> None:
    """Count the attempt before it is made, so that many at once are no way around the limit."""
    counts = [
        platform.registry.count_attempt(who, most, _WINDOW, now)
        for who, most in _limits(request).items()
    ]
    try:
        transact(*counts)
    except ConditionFailed:
        raise TooManyAttempts(_WINDOW - now % _WINDOW) from None


def _limits(request: ClientToken) -> dict[str, int]:
    by_client = {f"client:{request.client_id}": _BY_CLIENT}
    if request.caller_address:
        return by_client | {f"address:{network_of(request.caller_address)}": _BY_ADDRESS}
    return by_client


ACTION = Action(ClientToken, client_token, Scope.PUBLIC)
