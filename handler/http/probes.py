"""For whatever runs and watches the process: is it alive, can it work, what has it done."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.security import HTTPAuthorizationCredentials
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from handler.dispatch import Caller
from handler.http.dispatching import dispatch_action, without_success
from handler.http.openapi import described
from handler.http.request import Json
from handler.http.security import anybody, bearer
from handler.http.surface import Surface
from handler.metrics import REGISTRY

router = APIRouter()
SURFACE = Surface(router)


@router.get("/healthz", openapi_extra=described({"type": "object"}, {"status": "alive"}))
async def alive() -> Json:
    """The process answers; nothing else is asked."""
    return Json({"status": "alive"})


_READY = {
    "type": "object",
    "required": ["ready", "tables"],
    "properties": {"ready": {"type": "boolean"}, "tables": {"type": "object"}},
}
_NOT_READY = described(_READY)["responses"]["200"] | {"description": "Some table cannot be used"}


@router.get(
    "/readyz",
    responses={503: _NOT_READY},
    openapi_extra=described(_READY, {"ready": True, "tables": {"instances": "ready"}}),
)
def ready(request: Request) -> Json:
    """Whether every table can be used: 200, or 503 and which cannot."""
    answer = without_success(dispatch_action(request, "readiness", {}, Caller()))
    return Json(answer, status_code=200 if answer["ready"] else 503)


def scraper(
    request: Request, given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)]
) -> None:
    """Let in who has a token, or everybody where the operator opens the metrics. Raises Unauthenticated."""
    if not request.app.state.metrics_open:
        anybody(request, given)


@router.get(
    "/metrics",
    dependencies=[Depends(scraper)],
    response_class=PlainTextResponse,
    openapi_extra={"responses": {"401": described({}, None, 401)["responses"]["401"]}},
)
async def metrics() -> Response:
    """The metrics of this process since its start, in Prometheus' text format."""
    return Response(generate_latest(REGISTRY), media_type=CONTENT_TYPE_LATEST)
