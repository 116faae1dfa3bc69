"""For whatever runs and watches the process: is it alive, can it work, what has it done."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import structlog
from fastapi import APIRouter, Depends
from fastapi.security import HTTPAuthorizationCredentials
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from actions.action import Answer
from handler.dispatch import Caller
from handler.http.dispatching import dispatch_action, without_success
from handler.http.openapi import described
from handler.http.request import Json
from handler.http.security import anybody, bearer
from handler.http.surface import Surface
from handler.metrics import shown
from services import clock

router = APIRouter()
_FIGURES_SECONDS = 60
_log = structlog.get_logger()
SURFACE = Surface(router)


_HEALTHY = {"type": "object", "properties": {"status": {"const": "healthy"}}}


@router.get("/healthz", openapi_extra=described(_HEALTHY, {"status": "healthy"}))
async def alive() -> Json:
    """The process answers; nothing else is asked."""
    return Json({"status": "healthy"})


_READY = {
    "type": "object",
    "required": ["status", "ready", "tables"],
    "properties": {
        "status": {"enum": ["ready", "not ready"]},
        "ready": {"type": "boolean"},
        "tables": {"type": "object"},
    },
}
_NOT_READY = described(_READY)["responses"]["200"] | {"description": "Some table cannot be used"}


@router.get(
    "/readyz",
    responses={503: _NOT_READY},
    openapi_extra=described(
        _READY, {"status": "ready", "ready": True, "tables": {"instances": "ready"}}
    ),
)
def ready(request: Request) -> Json:
    """Whether every table can be used: 200, or 503 and which cannot."""
    answer = without_success(dispatch_action(request, "readiness", {}, Caller()))
    said = {"status": "ready" if answer["ready"] else "not ready", **answer}
    return Json(said, status_code=200 if answer["ready"] else 503)


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
def metrics(request: Request) -> Response:
    """This process's metrics since its start, in Prometheus' text format; where they are open, functions, too."""
    return Response(shown(_figures(request)), media_type=CONTENT_TYPE_LATEST)


def _figures(request: Request) -> Answer | None:
    """What there is of functions, for the operator: asked once a minute, since it reads their whole table."""
    ask: Callable[[], Answer] | None = request.app.state.figures
    if ask is None:
        return None
    kept: tuple[int, Answer | None] = getattr(request.app.state, "kept_figures", (-1, None))
    from services.aws import AWS_FAILURES  # an answer that asks nothing of AWS does not load it

    now = clock.now()
    if not 0 <= now - kept[0] < _FIGURES_SECONDS:
        try:
            kept = now, ask()
        except AWS_FAILURES:
            # What else there is to know is wanted most while AWS fails.
            _log.warning("the functions could not be counted", exc_info=True)
        request.app.state.kept_figures = kept
    return kept[1]
