"""EventFlow's logs: what a function's containers have written (docs/functions.md)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from actions.action import Answer
from handler.dispatch import Caller
from handler.http.dispatching import dispatch_action
from handler.http.functions import described
from handler.http.log_stream import answered, in_lines
from handler.http.request import Whole
from handler.http.security import Authenticated
from handler.http.surface import Surface

router = APIRouter()
SURFACE = Surface(router)  # the addresses, and so the words, are those of functions.py
_LINES = (
    "2025-11-08T10:30:15Z [INFO] Server started on port 8080\n"
    "2025-11-08T10:30:20Z [INFO] Received request: GET /health\n"
)


@router.get("/v1/functions/{name}/logs", openapi_extra=in_lines(described({}, None), _LINES))
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

    def ask(wanted: Answer, asking: Caller) -> Answer:
        return dispatch_action(request, "function-logs", {"name": name, **wanted}, asking)

    return answered(request, caller, ask, {"tail": tail, "since": since}, _headers, follow=follow)


def _headers(answer: Answer) -> dict[str, str]:
    return {"x-truncated": "true"} if answer.get("truncated") else {}
