"""Lines of a log as text or as server-sent events, those that there are or as they come."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from anyio import move_on_after
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from actions.action import Answer
from actions.functions.wording import moment
from handler.dispatch import Caller
from handler.http.request import platform_of
from handler.http.security import still

if TYPE_CHECKING:
    from actions.functions.following import Follower

_LINE_END = re.compile(r"\r\n|\n|\r")
# RFC 3339, as containers begin their lines that say when they were written.
_MOMENT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:[.,]\d+)?(?:Z|[+-]\d\d:?\d\d)(?!\w)", re.ASCII
)
_EVENT_ID = re.compile(r"(\d{1,15})-([\w-]{1,128})", re.ASCII)


class Text:
    """A line for each event, or as many as it has. It begins with a moment, the container's own if it says one."""

    media_type = "text/plain"
    head = ""
    nothing_new = ""

    def written(self, line: Answer) -> str:
        """What is told of one line of the log."""
        return f"{_told(line)}\n"


class ServerSentEvents(Text):
    """Each line of the log as an event of text/event-stream (WHATWG HTML, Server-sent events)."""

    media_type = "text/event-stream"
    head = "retry: 5000\n\n"  # milliseconds, after which a client that was cut off asks for what has come since
    nothing_new = ": nothing new\n\n"  # a comment, since proxies end what is silent for long

    def written(self, line: Answer) -> str:
        """What is told of one line of the log."""
        data = "".join(f"data: {part}\n" for part in _LINE_END.split(_told(line)))
        return f"id: {round(line['at'] * 1000)}-{line['id']}\n{data}\n"


def form_for(request: Request) -> Text:
    """The form that the client asks for."""
    is_for_events = ServerSentEvents.media_type in request.headers.get("accept", "").lower()
    return ServerSentEvents() if is_for_events else Text()


def last_seen(request: Request) -> Answer | None:
    """The position behind the event that a client names which was cut off."""
    found = _EVENT_ID.fullmatch(request.headers.get("last-event-id", ""))
    return found and {"since": int(found[1]), "told": {found[2]: int(found[1])}}


def encoded(form: Text, lines: Sequence[Answer]) -> bytes:
    """Lines in that form. Half characters, which JSON can hold and UTF-8 cannot, become question marks."""
    return "".join(map(form.written, lines)).encode("utf-8", "replace")


def can_stream(request: Request) -> bool:
    """Whether an answer can be sent as it is made: not by a function, which answers as a whole, nor to HEAD."""
    return "aws.event" not in request.scope and not request.scope.get("is_head")


class LogStream(StreamingResponse):
    """An answer that goes on with what a follower sees, until the client goes, or `ending` is set.

    Whoever goes waits for nothing, but their `place` is taken until the last question to AWS has been answered.
    """

    def __init__(
        self,
        form: Text,
        first: Sequence[Answer],
        follower: Follower,
        place: AbstractContextManager[None],
        ending: asyncio.Event,
    ) -> None:
        unbuffered = {"x-accel-buffering": "no"}  # which nginx reads
        super().__init__(self._lines(first), media_type=form.media_type, headers=unbuffered)
        self._form = form
        self._follower = follower
        self._place = place
        self._ending = ending

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer. Raises what `place` raises before anything is said."""
        with self._place:
            await super().__call__(scope, receive, send)

    async def _lines(self, lines: Sequence[Answer]) -> AsyncIterator[bytes]:
        yield self._form.head.encode() + encoded(self._form, lines)
        while not await self._is_over():
            lines = await run_in_threadpool(self._follower.look)
            yield encoded(self._form, lines) or self._form.nothing_new.encode()

    async def _is_over(self) -> bool:
        """Whether nothing is to come, after the follower's pause."""
        if not self._follower.is_over:
            with move_on_after(self._follower.pause):
                await self._ending.wait()
        return self._follower.is_over or self._ending.is_set()


def in_lines(said: dict[str, Any], example: str) -> dict[str, Any]:
    """An address's description, by which what it answers is a log in either form."""
    text = {"type": "string"}
    said["responses"]["200"]["content"] = {
        Text.media_type: {"schema": text, "example": example},
        ServerSentEvents.media_type: {"schema": text},
    }
    return said


def answered(
    request: Request,
    caller: Caller,
    ask: Callable[[Answer, Caller], Answer],
    wanted: Answer,
    headers: Callable[[Answer], dict[str, str]],
    *,
    follow: bool,
) -> Response:
    """A log as the client wants it, what there is of it or as it comes.

    `ask` is asked with `wanted` first, then with the `next` of what it has answered; `headers` are those of an
    answer that is not followed.
    """
    form, is_stream = form_for(request), follow and can_stream(request)
    first = ask({**wanted, "after": last_seen(request), "follow": is_stream}, caller)
    if is_stream:
        return _followed(request, caller.user_id or "", ask, first, form)
    unable = {"x-follow": "not-available-here"} if follow else {}
    text = form.head.encode() + encoded(form, first["lines"])
    return Response(text, media_type=form.media_type, headers=unable | headers(first))


def _followed(
    request: Request,
    user_id: str,
    ask: Callable[[Answer, Caller], Answer],
    first: Answer,
    form: Text,
) -> LogStream:
    """The lines of the `first` answer, and what is behind it, for as long as the client stays, and may."""
    from actions.functions.following import Follower, place  # which loads AWS's client

    def ask_on(position: Answer) -> Answer:
        return ask({"after": position}, still(request))

    ours = place(platform_of(request), user_id)
    return LogStream(form, first["lines"], Follower(ask_on, first), ours, request.app.state.ending)


def _told(line: Answer) -> str:
    message: str = line["message"].removesuffix("\n")
    if _MOMENT.match(message):
        return message
    return f"{moment(int(line['at']))} {message}"
