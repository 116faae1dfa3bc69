"""What a request may ask of this process: a body of 1 MB."""

from __future__ import annotations

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handler.http.error_handling import Refused

BODY_BYTES = 1_000_000


class BodyLimitMiddleware:
    """Refuses a longer body, at once where its length is announced, else as soon as it is exceeded."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through whose body is not too long. Raises Refused."""
        announced = next((v for n, v in scope.get("headers", ()) if n == b"content-length"), b"")
        if announced.isdigit() and int(announced[:20]) > BODY_BYTES:
            raise _too_long()
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > BODY_BYTES:
                raise _too_long()
            return message

        await self._app(scope, counted, send)


def _too_long() -> Refused:
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body is longer than {BODY_BYTES:,} bytes.",
        connection="close",
    )
