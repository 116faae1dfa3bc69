"""What every request has: its id, its log line, its metrics, and the headers of its answer."""

from __future__ import annotations

from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handler import metrics, telemetry
from handler.http.request import RequestLog
from handler.http.security_headers import (
    CONTENT_SECURITY_POLICY,
    NOTHING_ALLOWED,
    SECURITY_HEADERS,
)
from services import ids

# What probes and scrapers ask every few seconds is not worth a line when all is well.
UNLOGGED_PATHS = frozenset({"/health", "/healthz", "/readyz", "/metrics"})
_SECURITY = [(name.encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
_POLICY = (CONTENT_SECURITY_POLICY.encode(), NOTHING_ALLOWED.encode())


class RequestLogMiddleware:
    """The outermost layer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"]  # before HEAD becomes GET further in
        request_id = getattr(scope.get("aws.context"), "aws_request_id", None) or ids.new_run_id()
        with telemetry.event(request_id) as event_log:
            request_log = scope["request_log"] = RequestLog(request_id, event_log)

            async def answered(message: Message) -> None:
                if message["type"] == "http.response.start":
                    request_log.status = message["status"]
                    message["headers"] = _headers(message.get("headers", ()), request_id)
                await send(message)

            try:
                await self._app(scope, receive, answered)
            finally:
                _report(scope, method, request_log)


def _headers(given: Any, request_id: str) -> list[tuple[bytes, bytes]]:
    headers = [*given, (b"x-request-id", request_id.encode()), *_SECURITY]
    if not any(name == _POLICY[0] for name, _ in headers):
        headers.append(_POLICY)
    return headers


def _report(scope: Scope, method: str, request_log: RequestLog) -> None:
    """One line and one count per request. The route's pattern stands for its path, which anybody can choose."""
    route = getattr(scope.get("route"), "path", "none")
    status = request_log.status
    metrics.count_request(method, route, status, request_log.event_log.seconds)
    shown = method if method in metrics.METHODS else "other"
    details = {"method": shown, "route": route, "status": status}
    if request_log.failure:
        request_log.event_log.failed(*request_log.failure, details)
    elif scope["path"] not in UNLOGGED_PATHS:
        request_log.event_log.succeeded(details)
