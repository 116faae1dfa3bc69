"""Clients for the tests of gRPC, made and given tokens as they are in life."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.http.shapes import ask


def token_of(invoke: Callable[..., dict[str, Any]], client_id: str, **may: Any) -> str:
    """A token of a client that is made for it."""
    made = invoke("client-create", userId="admin", clientId=client_id, **may)
    secret = made["clientSecret"]
    answer = ask("POST", "/api/v1/token", {"client_id": client_id, "client_secret": secret})
    return str(answer.json["token"])
