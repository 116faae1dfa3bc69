"""What the modules of HTTP take out of a request."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Annotated, Any, NoReturn

from fastapi import Depends
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from actions.errors import InvalidRequest
from handler.failures import Failure
from handler.telemetry import EventLog
from services.platform import Platform

_LONG_BODY_BYTES = 50_000  # reading one takes longer than the loop should stand still


@dataclass
class RequestLog:
    """What is known of one request: its id, and how it went."""

    request_id: str
    event_log: EventLog
    status: int = 500  # what is said of a request that was never answered
    failure: tuple[Exception, Failure] | None = None


def request_log(request: Request) -> RequestLog:
    """What handler/http/request_log.py keeps of the request."""
    kept: RequestLog = request.scope["request_log"]
    return kept


def platform_of(request: Request) -> Platform:
    """The services that the application works with."""
    platform: Platform = request.app.state.platform
    return platform


async def _arrived(request: Request) -> None:
    await request.body()


# The dependency of an answer that goes on: what it then hears of the client is that it has gone, and nothing else.
Whole = Annotated[None, Depends(_arrived)]


def json_object(form: str, if_empty: dict[str, Any] | None = None) -> Any:
    """The dependency that reads a body as a JSON object, whatever its content type says.

    Whose body is none is told the address's own `form`; no body at all may stand for `if_empty`. It raises
    InvalidRequest.
    """

    async def read(request: Request) -> dict[str, Any]:
        body = await request.body()
        if not body and if_empty is not None:
            return if_empty
        if len(body) < _LONG_BODY_BYTES:
            return _parsed(body, form)
        return await run_in_threadpool(_parsed, body, form)

    return Depends(read)


def _parsed(body: bytes, form: str) -> dict[str, Any]:
    """A JSON object, strictly: UTF-8, no NaN, no half characters, not nested beyond what Python can hold."""
    try:
        found = json.loads(body.decode("utf-8"), parse_constant=_no_constant, parse_float=_number)
        json.dumps(found, ensure_ascii=False).encode("utf-8")
    except (ValueError, RecursionError):  # UnicodeError is a ValueError
        raise InvalidRequest(
            "The body is not JSON.", field="body", suggestion="Send a JSON object in UTF-8."
        ) from None
    if not isinstance(found, dict):
        raise InvalidRequest(
            "The body is not a JSON object.", field="body", suggestion=f"Send {form}."
        )
    return found


def _number(text: str) -> int | float:
    """JSON knows no difference between 3 and 3.0, and nothing that is beyond a float."""
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(text)
    return int(number) if number.is_integer() else number


def _no_constant(name: str) -> NoReturn:
    raise ValueError(name)


class Json(Response):
    """JSON in ASCII, so that whatever somebody sent can be repeated to them."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """`content` as JSON."""
        return json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii")
