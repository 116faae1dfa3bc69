"""The platform's own web API: every action of the contract, by name in the body or in the address."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter
from starlette.requests import Request

from actions.errors import InvalidRequest
from handler.http.dispatching import dispatch_action
from handler.http.request import Json, json_object
from handler.http.security import UserOrClient
from handler.http.surface import Surface, full

router = APIRouter()


def _owns(path: str, method: str) -> bool:
    return (path == "/" and method != "GET") or path.startswith("/v1/")


SURFACE = Surface(router, _owns, full)
Body = Annotated[dict[str, Any], json_object('{"action": …}')]
Fields = Annotated[dict[str, Any], json_object("the action's fields, {} where it needs none")]


@router.post("/", include_in_schema=False)  # openapi.py describes them, from the actions
def by_body(request: Request, caller: UserOrClient, body: Body) -> Json:
    """The contract's JSON as a direct invocation takes it: `action` and its fields."""
    action = body.get("action")
    if not isinstance(action, str) or not action:
        raise InvalidRequest(
            "The payload names no action.", field="action", suggestion='Send {"action": "status"}.'
        )
    return Json(dispatch_action(request, action, body, caller))


@router.post("/v1/actions/{action}", include_in_schema=False)
def by_address(request: Request, action: str, caller: UserOrClient, body: Fields) -> Json:
    """The action that the address names, with its fields as the body."""
    return Json(dispatch_action(request, action, {**body, "action": action}, caller))
