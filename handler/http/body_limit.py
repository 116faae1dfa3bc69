"""What a request may ask of this process: a body of 1 MB, sent as it is."""

from __future__ import annotations

from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handler.http.error_handling import Refused

BODY_BYTES = 1_000_000


class BodyLimitMiddleware:
    """Refuses a longer body, at once where its length is announced, else as soon as it is exceeded; and one
    that is compressed, of which nobody knows how long it becomes.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through whose body can be taken. Raises Refused."""
        headers = dict(scope.get("headers", ()))
        announced = headers.get(b"content-length", b"")
        encoding = headers.get(b"content-encoding", b"").decode("latin-1").strip()
        if announced.isdigit() and int(announced[:20]) > BODY_BYTES:
            raise _too_long()
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > BODY_BYTES:
                raise _too_long()
            if message.get("body") and encoding.lower() not in ("", "identity"):
                raise _encoded(encoding)
            return message

        await self._app(scope, counted, send)


def _encoded(encoding: str) -> Refused:
    return Refused(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        f"A body that is encoded as {encoding[:40]} is not read here; send it as it is.",
        **{"accept-encoding": "identity"},  # RFC 9110, 15.5.16
    )


def _too_long() -> Refused:
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body is longer than {BODY_BYTES:,} bytes.",
        connection="close",
    )
