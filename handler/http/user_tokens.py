"""EventFlow's tokens: one for a member, at /auth/token (docs/functions.md)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from fastapi.security import HTTPAuthorizationCredentials
from starlette.requests import Request

from handler.dispatch import SPEAKER, Caller
from handler.http.dispatching import dispatch_action
from handler.http.functions import TEXT, Body, asks, described, given, words
from handler.http.request import Json, platform_of
from handler.http.security import asking, bearer
from handler.http.surface import Surface

router = APIRouter()
PATH = "/auth/token"


def _owns(path: str, method: str) -> bool:
    return path == PATH


SURFACE = Surface(router, _owns, words, body_bytes=10_000)
_MEMBER = {"user_id": "alice", "username": "Alice", "email": "alice@company.com"}


async def speaker(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> Caller:
    """The request's caller; in the embedded run whoever sends no token, which then speaks for anybody."""
    if given is None and platform_of(request).settings.sandbox:
        return Caller(scopes=frozenset({SPEAKER}))
    return await asking(request, given)


@router.post(
    PATH,
    openapi_extra=described(
        {
            "type": "object",
            "required": ["token", "user_id", "username", "email", "namespace"],
            "properties": dict.fromkeys(
                ("token", "user_id", "username", "email", "namespace"), TEXT
            ),
        },
        {
            "token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9…",
            **_MEMBER,
            "namespace": "tenant-alice",
        },
        body=asks(dict.fromkeys(_MEMBER, TEXT), ["user_id"], _MEMBER),
    ),
)
def token(request: Request, caller: Annotated[Caller, Depends(speaker)], body: Body) -> Json:
    """A token for a member, for an hour: for who may speak for members; in the embedded run for everybody."""
    asked: dict[str, Any] = {**given(body, "user_id"), "userId": body["user_id"]}
    answer = dispatch_action(request, "user-token", asked, caller)
    names = {"user_id": "userId"}
    fields = ("token", "user_id", "username", "email", "namespace")
    return Json({field: answer[names.get(field, field)] for field in fields})
