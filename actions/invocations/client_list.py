"""client-list: which clients there are, and what each may."""

from __future__ import annotations

from functools import partial

from actions.action import Action, Answer, Scope
from actions.paging import ListRequest, paged
from services.platform import Platform

_SHOWN = ("clientId", "scopes", "functions", "createdAt", "createdBy", "changedAt")


class ClientList(ListRequest):
    """The administrator who asks."""


def client_list(request: ClientList, platform: Platform) -> Answer:
    """All clients, in no order; `changedAt` is when the secret was last changed."""
    clients, more = paged(request, partial(platform.clients.listed, request.limit))
    shown = [{name: dict(client)[name] for name in _SHOWN} for client in clients]
    return {"success": True, "clients": shown, **more}


ACTION = Action(ClientList, client_list, Scope.ADMIN)
