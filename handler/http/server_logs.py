"""What a member's server has written, as text or as it comes (docs/http.md)."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from actions.action import Answer
from handler.dispatch import Caller
from handler.http.dispatching import dispatch_action
from handler.http.log_stream import answered, in_lines
from handler.http.openapi import described
from handler.http.request import Whole
from handler.http.security import Authenticated
from handler.http.surface import Surface

router = APIRouter()
SURFACE = Surface(router)  # the words are the actions', below whose /v1/ it is
_LINES = (
    "2026-11-21T20:01:20Z FoundryVTT | 2026-11-21 20:01:20 | [info] User Data Directory\n"
    "2026-11-21T20:01:22Z FoundryVTT | 2026-11-21 20:01:22 | [info] Server started and listening on port 30000\n"
)


_ERROR = {"$ref": "#/components/schemas/ActionError"}
_DESCRIBED = described({}, None, 400, 401, 403, 404, 408, 409, 429, 500, 504, error=_ERROR)


@router.get("/v1/logs", openapi_extra=in_lines(_DESCRIBED, _LINES))
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

    def ask(wanted: Answer, asking: Caller) -> Answer:
        answer = dispatch_action(request, "get-logs", {"container": container, **wanted}, asking)
        # Where it goes on is `after` here, since `next` is the page before.
        return {**answer, "next": answer["after"]} if "after" in answer else answer

    return answered(request, caller, ask, {"limit": limit, "next": next}, _headers, follow=follow)


def _headers(answer: Answer) -> dict[str, str]:
    return {"x-next": answer["next"]} if "next" in answer else {}
