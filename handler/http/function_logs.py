"""EventFlow's logs: what a function's containers have written (docs/functions.md)."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from actions.action import Answer
from handler.http.dispatching import dispatch_action
from handler.http.functions import TEXT, described
from handler.http.log_stream import (
    ServerSentEvents,
    Text,
    as_a_whole,
    can_stream,
    followed,
    form_for,
    last_seen,
)
from handler.http.request import Whole
from handler.http.security import Authenticated, still
from handler.http.surface import Surface

router = APIRouter()
SURFACE = Surface(router)  # the addresses, and so the words, are those of functions.py
_LINES = (
    "2025-11-08T10:30:15Z [INFO] Server started on port 8080\n"
    "2025-11-08T10:30:20Z [INFO] Received request: GET /health\n"
)


def _in_lines() -> dict[str, Any]:
    said = described(TEXT, None)
    said["responses"]["200"]["content"] = {
        Text.media_type: {"schema": TEXT, "example": _LINES},
        ServerSentEvents.media_type: {"schema": TEXT},
    }
    return said


@router.get("/v1/functions/{name}/logs", openapi_extra=_in_lines())
def logs(
    request: Request,
    name: str,
    caller: Authenticated,
    _: Whole,
    tail: Annotated[int, Query(ge=1, le=10_000)] = 100,
    since: Annotated[str | None, Query(max_length=64)] = None,
    follow: bool = False,
) -> Response:
    """What a function's containers have written, oldest first; with `follow` also what they go on to write."""
    form = form_for(request)
    is_stream = follow and can_stream(request)
    asked = {"name": name, "tail": tail, "since": since, "after": last_seen(request)}
    answer = dispatch_action(request, "function-logs", {**asked, "follow": is_stream}, caller)
    if is_stream:

        def ask(position: Answer) -> Answer:
            behind = {"name": name, "after": position}
            return dispatch_action(request, "function-logs", behind, still(request))

        return followed(request, caller.user_id or "", ask, answer, form)
    headers = {"x-follow": "not-available-here"} if follow else {}
    if answer.get("truncated"):
        headers["x-truncated"] = "true"
    return as_a_whole(form, answer["lines"], headers)
