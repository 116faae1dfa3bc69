"""The web backend's own endpoints: status and chat (docs/http.md)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import APIRouter
from starlette.requests import Request

from handler.http.dispatching import dispatch_action, without_success
from handler.http.openapi import described
from handler.http.request import Json, json_object, platform_of
from handler.http.security import Authenticated
from handler.http.surface import Surface
from services import clock

router = APIRouter()
SURFACE = Surface(router)
Body = Annotated[dict[str, Any], json_object('{"message": …}')]
VERSION = "1.0"  # of the surface, as the contract's example has it


@router.get(
    "/status",
    openapi_extra=described(
        {
            "type": "object",
            "required": ["status", "timestamp", "version", "service", "environment", "user"],
            "properties": {"timestamp": {"type": "string", "format": "date-time"}},
            "additionalProperties": {"type": "string"},
        },
        {
            "status": "ok",
            "timestamp": "2026-11-21T20:00:00.000+00:00",
            "version": "1.0",
            "service": "foundry-vtt-instance-management",
            "environment": "prod",
            "user": "ada",
        },
        401,
        504,
    ),
)
async def status(request: Request, caller: Authenticated) -> Json:
    """That the service answers, and as whom it knows the caller."""
    settings = platform_of(request).settings
    now = datetime.fromtimestamp(clock.milliseconds() / 1000, UTC)
    return Json(
        {
            "status": "ok",
            "timestamp": now.isoformat(timespec="milliseconds"),
            "version": VERSION,
            "service": settings.aws_lambda_function_name,
            "environment": settings.env,
            "user": caller.user_id,
        }
    )


_ANSWER = {
    "type": "object",
    "required": ["answer", "model", "usage"],
    "properties": {
        "answer": {"type": "string"},
        "model": {"type": "string"},
        "usage": {
            "type": "object",
            "required": ["inputTokens", "outputTokens", "totalTokens"],
            "additionalProperties": {"type": "integer"},
        },
    },
}


@router.post(
    "/chat",
    openapi_extra=described(
        _ANSWER,
        {
            "answer": "A creature that is grappled has a speed of 0.",
            "model": "amazon.nova-lite-v1:0",
            "usage": {"inputTokens": 96, "outputTokens": 14, "totalTokens": 110},
        },
        400,
        401,
        408,
        413,
        415,
        429,
        500,
        504,
        body={
            "application/json": {
                "schema": {"$ref": "#/components/schemas/ChatBody"},
                "example": {"message": "What does it mean to be grappled?", "history": []},
            }
        },
    ),
)
def chat(request: Request, caller: Authenticated, body: Body) -> Json:
    """An answer of the language model. Always for the caller: the address takes no userId."""
    asked = {**body, "userId": caller.user_id}
    return Json(without_success(dispatch_action(request, "chat", asked, caller)))
