"""When a session may be: the contract's Unix seconds and minutes, and what people send instead."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.errors import InvalidRequest
from services import clock

SHORTEST_MINUTES, LONGEST_MINUTES = 15, 24 * 60
FARTHEST_DAYS = 90
_MILLISECONDS = 100_000_000_000  # as seconds this is the year 5138

Moment = Annotated[int, Field(ge=0, le=10**15)]
Minutes = Annotated[int, Field(ge=SHORTEST_MINUTES, le=LONGEST_MINUTES)]


def checked_start(start_time: int) -> int:
    """`start_time` if it is between now and 90 days ahead; raises InvalidRequest saying what looks wrong."""
    now = clock.now()
    if start_time >= _MILLISECONDS:
        raise _wrong(start_time, "It looks like milliseconds: send Unix seconds, a thousandth.")
    if start_time < now:
        raise _wrong(start_time, f"It is in the past: now it is {now}.")
    if start_time > now + FARTHEST_DAYS * 86400:
        raise _wrong(start_time, f"Sessions can be booked {FARTHEST_DAYS} days ahead.")
    return start_time


def _wrong(start_time: int, hint: str) -> InvalidRequest:
    return InvalidRequest(
        "startTime is not valid.", field="startTime", value=start_time, suggestion=hint
    )
