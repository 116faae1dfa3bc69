"""client-rotate: gives a client another secret; the former one, and all tokens that it got, end."""

from __future__ import annotations

from actions.action import Action, AdminOrder, Answer, ClientId, Scope
from actions.errors import NoSuchClient
from services import clock, ids
from services.clients import KNOWN_SECONDS
from services.dynamodb import ConditionFailed, transact
from services.platform import Platform


class ClientRotate(AdminOrder):
    """Whose secret is changed, and who says so."""

    client_id: ClientId


def client_rotate(request: ClientRotate, platform: Platform) -> Answer:
    """Change the secret. The new one is in this answer and nowhere else. Raises NoSuchClient."""
    secret = ids.new_secret()
    try:
        transact(platform.clients.change_secret(request.client_id, secret, clock.now()))
    except ConditionFailed:
        raise NoSuchClient(request.client_id) from None
    return {
        "success": True,
        "clientId": request.client_id,
        "clientSecret": secret,
        "message": f"Former tokens are refused, everywhere within {KNOWN_SECONDS} seconds",
    }


ACTION = Action(ClientRotate, client_rotate, Scope.ADMIN)
