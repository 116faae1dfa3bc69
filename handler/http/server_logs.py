"""What a member's server has written, as text or as it comes (docs/http.md)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from actions.action import Answer
from handler.http.dispatching import dispatch_action
from handler.http.log_stream import (
    ServerSentEvents,
    Text,
    as_a_whole,
    can_stream,
    followed,
    form_for,
    last_seen,
)
from handler.http.openapi import described, failed
from handler.http.request import Whole
from handler.http.security import Authenticated, still
from handler.http.surface import Surface

router = APIRouter()
SURFACE = Surface(router)  # the words are the actions', below whose /v1/ it is
_LINES = (
    "2026-11-21T20:01:20Z FoundryVTT | 2026-11-21 20:01:20 | [info] User Data Directory\n"
    "2026-11-21T20:01:22Z FoundryVTT | 2026-11-21 20:01:22 | [info] Server started and listening on port 30000\n"
)


def _in_lines() -> dict[str, Any]:
    text = {"type": "string"}
    said = described(text, None)
    said["responses"] |= {
        str(status): failed(status, {"$ref": "#/components/schemas/ActionError"})
        for status in (400, 401, 403, 404, 408, 409, 429, 500, 504)
    }
    said["responses"]["200"]["content"] = {
        Text.media_type: {"schema": text, "example": _LINES},
        ServerSentEvents.media_type: {"schema": text},
    }
    return said


@router.get("/v1/logs", openapi_extra=_in_lines())
def logs(
    request: Request,
    caller: Authenticated,
    _: Whole,
    limit: Annotated[int, Query(ge=1, le=1000)] = 100,
    container: Annotated[str | None, Query(pattern="^(foundry|prepare)$")] = None,
    next: Annotated[str | None, Query(max_length=4096)] = None,  # noqa: A002 - the answer's word
    follow: bool = False,
) -> Response:
    """What the caller's server has written, oldest first, without secrets; with `follow` what it goes on to write.

    X-Next is the `next` of the page before.
    """
    form = form_for(request)
    is_stream = follow and can_stream(request)
    asked = {"limit": limit, "container": container, "next": next, "after": last_seen(request)}
    answer = dispatch_action(request, "get-logs", {**asked, "follow": is_stream}, caller)
    if is_stream:

        def ask(position: Answer) -> Answer:
            behind = {"container": container, "after": position}
            return _as_followed(dispatch_action(request, "get-logs", behind, still(request)))

        return followed(request, caller.user_id or "", ask, _as_followed(answer), form)
    headers = {"x-follow": "not-available-here"} if follow else {}
    if "next" in answer:
        headers["x-next"] = answer["next"]
    return as_a_whole(form, answer["lines"], headers)


def _as_followed(answer: Answer) -> Answer:
    return {"lines": answer["lines"], "next": answer["after"]}
