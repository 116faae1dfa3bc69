"""EventFlow: members' webhooks under /v1/webhooks (docs/webhooks.md)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from actions.errors import InvalidRequest, NoToken
from actions.functions.wording import in_snake_case
from actions.webhooks.events import KINDS
from handler.http import openapi
from handler.http.dispatching import dispatch_action
from handler.http.request import Json, json_object
from handler.http.security import Authenticated
from handler.http.surface import Surface, brief

router = APIRouter()
_PREFIX = "/v1/webhooks"


def _owns(path: str, _: str) -> bool:
    return path == _PREFIX or path.startswith(f"{_PREFIX}/")


def _words(error: Exception, status: int, request_id: str) -> dict[str, Any]:
    """`{error, message}`, in the contract's own words where it has any."""
    said = brief(error, status, request_id)
    return (
        said | {"message": "missing authorization header"} if isinstance(error, NoToken) else said
    )


SURFACE = Surface(router, _owns, _words)
Body = Annotated[dict[str, Any], json_object('{"url": …}')]
_TEXT, _TIME = {"type": "string"}, {"type": "string", "format": "date-time"}
_URL = {"type": "string", "pattern": "^https?://[!-~]+$", "minLength": 12, "maxLength": 2048}
_EVENTS = {"type": "array", "items": {"enum": list(KINDS)}, "minItems": 1, "maxItems": len(KINDS)}
_WEBHOOK: dict[str, Any] = {
    "type": "object",
    "required": ["id", "url", "events", "created_at"],
    "properties": {
        "id": _TEXT,
        "url": _TEXT,
        "events": _EVENTS,
        "created_at": _TIME,
        "failed_at": _TIME,
        "last_error": _TEXT,
    },
}
_MADE = _WEBHOOK | {
    "required": [*_WEBHOOK["required"], "secret"],
    "properties": {**_WEBHOOK["properties"], "secret": {"type": "string", "pattern": "^whsec_"}},
}
_ASKED = {"url": "https://hooks.example.com/functions", "events": ["function.invoked"]}
_ANSWERED = {"id": "wh_0123456789ab", **_ASKED, "created_at": "2026-11-21T20:00:00Z"}
_REFUSALS = (400, 401, 403, 404, 408, 409, 413, 415, 500, 504)


def _described(status: int, answer: Any, example: Any, **more: Any) -> dict[str, Any]:
    """What a route says of itself; it answers with `status`."""
    said = openapi.described(answer, example, *_REFUSALS, **more)
    said["responses"][str(status)] = said["responses"].pop("200")
    return said


@router.post(
    _PREFIX,
    status_code=201,
    openapi_extra=_described(
        201,
        _MADE,
        {**_ANSWERED, "secret": "whsec_…"},
        body={
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["url"],
                    "properties": {"url": _URL, "events": _EVENTS},
                },
                "example": _ASKED,
            }
        },
    ),
)
def create(request: Request, caller: Authenticated, body: Body) -> Json:
    """Have events of one's functions posted to a URL; this answer alone has the secret that signs them."""
    given = {name: body[name] for name in ("url", "events") if body.get(name) is not None}
    if not given.get("url"):
        raise InvalidRequest("url is required", field="url")
    answer = dispatch_action(request, "webhook-create", given, caller)
    return Json(in_snake_case(answer["webhook"]), status_code=201)


@router.get(
    _PREFIX, openapi_extra=_described(200, {"type": "array", "items": _WEBHOOK}, [_ANSWERED])
)
def listed(request: Request, caller: Authenticated) -> Json:
    """The caller's webhooks, the latest first."""
    answer = dispatch_action(request, "webhook-list", {}, caller)
    return Json([in_snake_case(webhook) for webhook in answer["webhooks"]])


@router.delete(
    f"{_PREFIX}/{{webhook_id}}",
    status_code=204,
    openapi_extra={
        "responses": {
            "204": {"description": "Nothing more is sent to it"},
            **{
                str(s): openapi.failed(s, {"$ref": "#/components/schemas/Error"}) for s in _REFUSALS
            },
        }
    },
)
def delete(request: Request, webhook_id: str, caller: Authenticated) -> Response:
    """Remove a webhook."""
    dispatch_action(request, "webhook-delete", {"id": webhook_id}, caller)
    return Response(status_code=HTTPStatus.NO_CONTENT)
