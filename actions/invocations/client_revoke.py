"""client-revoke: removes a client, with its secret and its tokens. What it had invoked stays in the log."""

from __future__ import annotations

from actions.action import Action, AdminOrder, Answer, ClientId, Scope
from actions.errors import NoSuchClient
from services.clients import KNOWN_SECONDS
from services.dynamodb import ConditionFailed, transact
from services.platform import Platform


class ClientRevoke(AdminOrder):
    """Which client goes, and who says so."""

    client_id: ClientId


def client_revoke(request: ClientRevoke, platform: Platform) -> Answer:
    """Remove the client. Raises NoSuchClient."""
    try:
        transact(platform.clients.remove(request.client_id))
    except ConditionFailed:
        raise NoSuchClient(request.client_id) from None
    return {
        "success": True,
        "message": f"The client and its tokens are refused, everywhere within {KNOWN_SECONDS} seconds",
    }


ACTION = Action(ClientRevoke, client_revoke, Scope.ADMIN)
