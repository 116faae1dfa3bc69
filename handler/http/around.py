"""Around every request: its id, its log line, its metrics, and the headers that every answer has."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handler import telemetry
from handler.http import measures
from handler.http.request import Observing
from services import ids

# What probes and scrapers ask every few seconds is not worth a line when all is well.
QUIET = frozenset({"/health", "/healthz", "/readyz", "/metrics"})
# X-Frame-Options, X-Content-Type-Options and X-XSS-Protection are the contract's (Backend Services, Security). The
# last one is 0: the filter it names did more harm than good, and browsers that still have it should leave it off.
SECURITY = [
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-xss-protection", b"0"),
    (b"strict-transport-security", b"max-age=31536000; includeSubDomains"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
]
POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")


class Around:
    """The outermost layer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = getattr(scope.get("aws.context"), "aws_request_id", None) or ids.new_run_id()
        with telemetry.event(request_id) as observed:
            observing = scope["observing"] = Observing(request_id, observed)

            async def answered(message: Message) -> None:
                if message["type"] == "http.response.start":
                    observing.status = message["status"]
                    message["headers"] = _headers(message.get("headers", ()), request_id)
                await send(message)

            try:
                await self._app(scope, receive, answered)
            finally:
                _report(scope, observing)


def _headers(given: Any, request_id: str) -> list[tuple[bytes, bytes]]:
    headers = [*given, (b"x-request-id", request_id.encode()), *SECURITY]
    if not any(name == POLICY[0] for name, _ in headers):
        headers.append(POLICY)
    return headers


def _report(scope: Scope, observing: Observing) -> None:
    """One line and one measure per request. The route's pattern stands for its path, which anybody can choose."""
    route = getattr(scope.get("route"), "path", "none")
    method, status = scope["method"], observing.status
    measures.note(method, route, status, observing.observed.seconds)
    shown = method if method in measures.METHODS else "other"
    details = {"method": shown, "route": route, "status": status}
    if observing.failure:
        observing.observed.failed(*observing.failure, details)
    elif scope["path"] not in QUIET:
        observing.observed.succeeded(details)
