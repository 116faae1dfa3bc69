"""The HTTP application: every surface on one FastAPI, and around them what all answers have in common."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from actions.action import Answer
from handler.http import (
    actions,
    api_docs,
    backend,
    function_logs,
    functions,
    lambda_action,
    mock_data,
    probes,
    server_logs,
    serverless_api,
    tenant_webhooks,
    user_tokens,
    webhooks,
)
from handler.http.body_limit import BodyLimitMiddleware
from handler.http.error_handling import (
    ErrorMiddleware,
    answer_invalid_queries,
    answer_routers_refusals,
)
from handler.http.head import HeadMiddleware
from handler.http.request_log import RequestLogMiddleware
from services.platform import Platform

# The order matters where two surfaces own an address, as that of clients' tokens, or of webhooks, which are below
# the actions' /v1/: it is the first one's.
SURFACES = (
    lambda_action.TOKENS,
    *(
        module.SURFACE
        for module in (
            lambda_action,
            serverless_api,
            backend,
            mock_data,
            functions,
            function_logs,
            server_logs,
            user_tokens,
            tenant_webhooks,
            actions,
            webhooks,
            probes,
            api_docs,
        )
    ),
)
REQUEST_ID = "x-request-id"
READ_SECONDS = 10.0  # what a request may take to arrive; Lambda has it whole
_PREFLIGHT_SECONDS = 3600


@dataclass(frozen=True)
class Ports:
    """Where the process listens, if it does."""

    rest: int | None = None
    grpc: int | None = None


def end(app: FastAPI) -> None:
    """Let answers end that would go on for as long as their clients stay."""
    app.state.ending.set()


def build(
    platform: Platform,
    *,
    read_seconds: float = READ_SECONDS,
    figures: Callable[[], Answer] | None = None,
    ports: Ports = Ports(),
) -> FastAPI:
    """The application on the services of one deployment.

    A body has to arrive within `read_seconds`; with `figures`, what is to be told of functions, metrics are open to
    everybody; /health says `ports`.
    FastAPI's own pages are off: handler/http/api_docs.py has them, with a token where the settings say so.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.platform = platform
    app.state.figures = figures
    app.state.metrics_open = figures is not None
    app.state.ports = ports
    app.state.ending = asyncio.Event()
    for surface in SURFACES:
        app.router.routes.extend(surface.router.routes)
    answer_routers_refusals(app)
    answer_invalid_queries(app)
    # The last one added is the outermost.
    app.add_middleware(BodyLimitMiddleware, surfaces=SURFACES, seconds=read_seconds)
    app.add_middleware(ErrorMiddleware, surfaces=SURFACES)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=platform.settings.origins,
        allow_methods=["GET", "HEAD", "POST", "PATCH", "DELETE"],
        allow_headers=["authorization", "content-type", "last-event-id"],
        expose_headers=[REQUEST_ID, "retry-after", "www-authenticate", "x-total-count", "x-follow"],
        max_age=_PREFLIGHT_SECONDS,
    )
    app.add_middleware(HeadMiddleware)
    app.add_middleware(RequestLogMiddleware)
    return app
