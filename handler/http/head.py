"""HEAD, for whoever only wants to know whether something answers: what GET would, without the body."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadMiddleware:
    """Lets every address that takes GET take HEAD, too (RFC 9110, 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one request through; further in, a HEAD is a GET, whose scope says so."""
        if scope.get("method") != "HEAD":
            await self._app(scope, receive, send)
            return
        scope["method"], scope["is_head"] = "GET", True

        async def without_body(message: Message) -> None:
            if message["type"] == "http.response.body":
                message["body"] = b""
            await send(message)

        await self._app(scope, receive, without_body)
