"""What a request may ask of this process: a body not too long, sent as it is, whole and without dawdling."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from http import HTTPStatus

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handler.http.error_handling import Refused
from handler.http.surface import Surface, surface_of


class BodyLimitMiddleware:
    """Refuses a longer body, at once where its length is announced, else as soon as it is exceeded; and one that
    is compressed, of which nobody knows how long it becomes, that is not there within `seconds`, or breaks off.
    """

    def __init__(self, app: ASGIApp, surfaces: Sequence[Surface], seconds: float) -> None:
        self._app = app
        self._surfaces = surfaces
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through whose body can be taken. Raises Refused."""
        headers = dict(scope.get("headers", ()))
        most = surface_of(self._surfaces, scope["path"], scope["method"]).body_bytes
        announced = headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced[:20]) > most:
            raise _too_long(most)
        deadline = asyncio.get_running_loop().time() + self._seconds
        received, is_whole = 0, False

        async def checked() -> Message:
            nonlocal received, is_whole
            if is_whole:
                return await receive()
            try:
                async with asyncio.timeout_at(deadline):
                    message = await receive()
            except TimeoutError:
                raise _too_late() from None
            if message["type"] == "http.disconnect":
                raise _broken_off()
            received += len(message.get("body", b""))
            is_whole = not message.get("more_body", False)
            if received > most:
                raise _too_long(most)
            if received and (encoding := _encoding(headers)):
                raise _encoded(encoding)
            return message

        await self._app(scope, checked, send)


def _encoding(headers: Mapping[bytes, bytes]) -> str:
    """The encoding of a body that is not sent as it is."""
    named = headers.get(b"content-encoding", b"").decode("latin-1").strip()
    return "" if named.lower() == "identity" else named[:40]


def _encoded(encoding: str) -> Refused:
    return Refused(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        f"A body that is encoded as {encoding} is not read here; send it as it is.",
        **{"accept-encoding": "identity"},  # RFC 9110, 15.5.16
    )


def _too_long(most: int) -> Refused:
    return Refused(
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        f"The body is longer than {most:,} bytes.",
        connection="close",
    )


def _too_late() -> Refused:
    return Refused(
        HTTPStatus.REQUEST_TIMEOUT, "The body did not arrive in time.", connection="close"
    )


def _broken_off() -> Refused:
    """Nobody is there to read this; the log does, and it is the client's doing."""
    return Refused(HTTPStatus.BAD_REQUEST, "The body broke off.", connection="close")
