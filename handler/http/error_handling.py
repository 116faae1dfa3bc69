"""From what went wrong to an HTTP answer, in the words of the surface that was asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from actions.errors import InvalidRequest, NotFound, NoToken, PlatformError, RateLimited
from handler import failures
from handler.http.request import Json, RequestLog
from handler.http.surface import Surface, Wording, surface_of

# RFC 6750, 3.1: no error is named to who may not have known that a token is needed.
CHALLENGE = 'Bearer realm="foundry"'
INVALID_TOKEN = f'{CHALLENGE}, error="invalid_token"'


class Refused(InvalidRequest):
    """A request that HTTP itself has a status for, with the headers that go with it."""

    def __init__(self, status: HTTPStatus, message: str, **headers: str) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


class ErrorMiddleware:
    """Answers for whatever is raised further in."""

    def __init__(self, app: ASGIApp, surfaces: Sequence[Surface]) -> None:
        self._app = app
        self._surfaces = surfaces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through. Once an answer has begun, nothing else can be said any more."""
        begun = False

        async def noticed(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, noticed)
        except Exception as error:
            kept: RequestLog = scope["request_log"]
            kept.failure = (error, failures.kind_of(error))
            if begun:
                raise
            surface = surface_of(self._surfaces, scope["path"], scope["method"])
            await answer(error, surface.words, kept.request_id)(scope, receive, send)


def answer(error: Exception, words: Wording, request_id: str) -> Json:
    """What the caller is told."""
    status = error.status if isinstance(error, Refused) else failures.kind_of(error).http_status
    body = words(error, status, request_id)
    return Json(body, status_code=status, headers=_headers(error, status))


def _headers(error: Exception, status: int) -> dict[str, str]:
    headers = dict(error.headers) if isinstance(error, Refused) else {}
    if status == HTTPStatus.UNAUTHORIZED:
        headers["www-authenticate"] = CHALLENGE if isinstance(error, NoToken) else INVALID_TOKEN
    if isinstance(error, RateLimited):
        headers["retry-after"] = str(error.retry_after)
    return headers


def answer_routers_refusals(app: FastAPI) -> None:
    """Let the router's own refusals (404, 405) be answered like all others."""

    async def raised(request: Request, error: Exception) -> Any:
        assert isinstance(error, HTTPException)  # noqa: S101 - for mypy: it is registered for nothing else
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            allowed = _allowed(request)
            raise Refused(
                HTTPStatus.METHOD_NOT_ALLOWED, f"This address takes {allowed} only.", allow=allowed
            )
        raise NotFound("There is nothing at this address.")

    app.add_exception_handler(HTTPException, raised)


def _allowed(request: Request) -> str:
    """All methods of the address: the router itself names those of the first route only.

    Of several forms that it has, the one that says the most of it counts.
    """
    routes = request.app.router.routes
    found = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    form = max((route.path for route in found), key=_said_by, default="")
    methods = {method for route in found if route.path == form for method in route.methods}
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))


def _said_by(form: str) -> int:
    """How many characters of an address its form says, without names that stand for any."""
    return len(re.sub(r"\{[^{}]*\}", "", form))


def answer_invalid_queries(app: FastAPI) -> None:
    """Let what FastAPI finds wrong with a query be answered like what an action finds wrong."""

    async def raised(request: Request, error: Exception) -> Any:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
        raise _invalid(error.errors())

    app.add_exception_handler(RequestValidationError, raised)


def _invalid(found: Sequence[dict[str, Any]]) -> PlatformError:
    field, message = str(found[0]["loc"][-1]), str(found[0]["msg"])
    return InvalidRequest(f"{field} is not valid.", field=field, suggestion=message)
