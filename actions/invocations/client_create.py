"""client-create: lets a program have functions invoked, and call the platform, without an account at AWS."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from actions.action import Action, AdminOrder, Answer, ClientId, Scope, hinted
from actions.errors import ClientExists
from services import clock, ids
from services.clients import proof_of
from services.dynamodb import ConditionFailed, transact
from services.platform import Platform

Pattern = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_*?-]{1,64}$", max_length=64),
    hinted("Send the name of a function, in which * stands for any characters and ? for one."),
]


class ClientCreate(AdminOrder):
    """Which client may what, and who says so.

    `scopes`: invoke functions; read what there is and what was invoked; act for any user of the platform.
    `functions`: names, or patterns of them, of those that the operator allows.
    """

    client_id: ClientId
    scopes: Annotated[list[Literal["invoke", "read", "user"]], Field(min_length=1, max_length=3)]
    functions: list[Pattern] = Field(default=[], max_length=50)


def client_create(request: ClientCreate, platform: Platform) -> Answer:
    """Make a client. Its secret is in this answer and nowhere else. Raises ClientExists."""
    secret, now = ids.new_secret(), clock.now()
    proof = proof_of(request.client_id, secret)
    try:
        transact(
            platform.clients.make(
                {
                    "clientId": request.client_id,
                    "secretHash": proof["secretHash"],
                    "generation": proof["generation"],
                    "scopes": sorted(set(request.scopes)),
                    "functions": sorted(set(request.functions)),
                    "createdAt": now,
                    "createdBy": request.user_id,
                    "changedAt": now,
                }
            )
        )
    except ConditionFailed:
        raise ClientExists(request.client_id) from None
    return {"success": True, "clientId": request.client_id, "clientSecret": secret}


ACTION = Action(ClientCreate, client_create, Scope.ADMIN)
