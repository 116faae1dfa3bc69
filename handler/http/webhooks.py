"""What other services post, each in its own form and with its own proof of who it is."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from actions.errors import InvalidRequest
from handler.discord import PATH
from handler.dispatch import Caller
from handler.http.dispatching import dispatch_action
from handler.http.openapi import described, failed
from handler.http.request import Json, platform_of, request_log
from handler.http.surface import Surface, full

router = APIRouter()


def _owns(path: str, _: str) -> bool:
    return path.startswith("/webhooks/")


SURFACE = Surface(router, _owns, full)

_ANSWER = {"type": "object", "required": ["success"], "properties": {"success": {"const": True}}}
_ERROR = {"$ref": "#/components/schemas/ActionError"}


@router.post(
    "/webhooks/kofi",
    responses={
        status: failed(status, _ERROR) for status in (400, 403, 408, 409, 413, 415, 500, 504)
    },
    openapi_extra=described(
        _ANSWER,
        {"success": True, "donationProcessed": True},
        body={
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["data"],
                    "properties": {"data": {"type": "string"}},
                }
            },
            "application/json": {"schema": {"type": "object"}},
        },
    ),
)
async def kofi(request: Request) -> Json:
    """Ko-fi's form post, or what a relay makes of it, handed on as it is. Its verification token, which the action
    checks, is the only proof.
    """
    try:
        body = (await request.body()).decode("utf-8")
    except UnicodeDecodeError:
        raise InvalidRequest("The body is not UTF-8.", field="body") from None
    payload = {"action": "kofi-webhook", "body": body}
    return Json(
        await run_in_threadpool(dispatch_action, request, "kofi-webhook", payload, Caller())
    )


@router.post(
    PATH,
    responses={
        status: failed(status, _ERROR) for status in (400, 401, 403, 408, 413, 415, 500, 504)
    },
    openapi_extra=described(
        {"type": "object", "required": ["type"], "properties": {"type": {"type": "integer"}}},
        {"type": 1},
        body={"application/json": {"schema": {"type": "object"}}},
    ),
)
async def discord(request: Request) -> Json:
    """An interaction of Discord's, whose signature over the body as it came is the only proof (docs/discord.md)."""
    from handler.discord.answering import answer  # it needs AWS's client, which few answers do

    kept, headers = request_log(request), dict(request.headers)
    said = await run_in_threadpool(
        answer, await request.body(), headers, platform_of(request), kept.event_log, kept.request_id
    )
    kept.failure = said.failure
    return Json(said.answer)
