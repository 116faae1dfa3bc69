"""The HTTP application: every surface on one FastAPI, and around them what all answers have in common."""

from __future__ import annotations

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from handler.http import actions, backend, documents, functions, mock_data, probes, webhooks
from handler.http.around import Around
from handler.http.failing import Failing, raise_for_status, raise_invalid
from handler.http.limits import Limited
from services.platform import Platform

REQUEST_ID = "x-request-id"
_PREFLIGHT_SECONDS = 3600


def build(platform: Platform) -> FastAPI:
    """The application on the services of one deployment.

    FastAPI's own pages are off: handler/http/documents.py has them, with a token where the settings say so.
    """
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.platform = platform
    for surface in (functions, backend, mock_data, actions, webhooks, probes, documents):
        app.router.routes.extend(surface.router.routes)
    raise_for_status(app)
    raise_invalid(app)
    # The last one added is the outermost.
    app.add_middleware(Limited)
    app.add_middleware(Failing)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=platform.settings.origins,
        allow_methods=["GET", "POST"],
        allow_headers=["authorization", "content-type"],
        expose_headers=[REQUEST_ID, "retry-after", "www-authenticate"],
        max_age=_PREFLIGHT_SECONDS,
    )
    app.add_middleware(Around)
    return app
