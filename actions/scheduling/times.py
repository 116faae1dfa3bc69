"""When a session may be: the contract's Unix seconds and minutes, and what people send instead."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated

from pydantic import Field

from actions.action import hinted
from actions.errors import InvalidRequest
from actions.licenses.rules import FARTHEST_DAYS
from services import clock

SHORTEST_MINUTES, LONGEST_MINUTES = 15, 24 * 60
LATEST = 99_999_999_999  # the year 5138; what is more is milliseconds
_LENGTH = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,3})?) ?([hms]?)[a-z]{0,6}", re.ASCII)
_UNITS = {"h": ("hours", 60.0), "m": ("minutes", 1.0), "s": ("seconds", 1 / 60)}


def _moment_hint(value: object) -> str:
    if isinstance(value, int) and LATEST < value < LATEST * 1000:
        return f"It looks like milliseconds: send Unix seconds, {value // 1000}."
    meant = _moment_meant(str(value).strip())
    said = f": {meant} (UTC)." if meant else f" such as {clock.now()}."
    return f"Send Unix seconds as a whole number{said}"


def _moment_meant(text: str) -> int | None:
    """The Unix seconds of ISO text, of Discord's `<t:1795719600:F>`, or of digits; None for anything else."""
    if found := re.fullmatch(r"(?:<t:)?([0-9]{1,11})(?:\.0|:[a-zA-Z]>|>)?", text, re.ASCII):
        return int(found[1])
    try:
        moment = datetime.fromisoformat(text)
        return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return None


def _length_hint(value: object) -> str:
    said = f"Send minutes as a whole number from {SHORTEST_MINUTES} to {LONGEST_MINUTES}"
    found = _LENGTH.fullmatch(str(value).strip().lower())
    if not found:
        return f"{said}."
    amount = float(found[1])
    guess = "s" if amount > LONGEST_MINUTES else "h" if amount < SHORTEST_MINUTES else "m"
    unit, in_minutes = _UNITS[found[2] or guess]
    minutes = round(amount * in_minutes)
    if not SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES:
        return f"{said}."
    return f"{said}; {amount:g} {unit} are {minutes}."


Moment = Annotated[int, Field(ge=0, le=LATEST), hinted(_moment_hint)]
Minutes = Annotated[int, Field(ge=SHORTEST_MINUTES, le=LONGEST_MINUTES), hinted(_length_hint)]


def checked_start(start_time: int) -> int:
    """`start_time` if it is between now and 90 days ahead; raises InvalidRequest saying what looks wrong."""
    now = clock.now()
    if start_time < now:
        raise _wrong(start_time, f"It is in the past: now it is {now}.")
    if start_time > now + FARTHEST_DAYS * 86400:
        raise _wrong(start_time, f"Sessions can be booked {FARTHEST_DAYS} days ahead.")
    return start_time


def _wrong(start_time: int, hint: str) -> InvalidRequest:
    return InvalidRequest(
        "startTime is not valid.", field="startTime", value=start_time, suggestion=hint
    )
