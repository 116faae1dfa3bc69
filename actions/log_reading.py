"""A log as its member reads it: the newest lines, older ones, and what comes to be written.

A line that comes up to 15 seconds late is told, none is told twice.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from actions.action import Answer, hinted
from actions.errors import InvalidRequest
from services import clock
from services.errors import PositionLost
from services.platform import Platform
from services.task_logs import KEPT_SECONDS, Events, LogEvent

# For which a line may be on its way: the containers' log driver sends what it has every 5 s (moby, awslogs:
# batchPublishFrequency), of each task by itself, and CloudWatch Logs shows it within some more.
LATE_SECONDS = 15
_TASK_DIGITS = 8  # of a task's id, as answers show it
_MOST_TOLD = 20_000  # ids that a position holds
_LAST_SECOND = 253_402_300_799  # of the year 9999, Python's last
_UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_DURATION = re.compile(r"(?:\d{1,12}(?:\.\d{1,12})?(?:ms|[smhdw]))+", re.ASCII)
_PART = re.compile(r"(\d{1,12}(?:\.\d{1,12})?)(ms|[smhdw])", re.ASCII)
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)


def _moment(said: str | float) -> int:
    """Unix milliseconds from what people write for `docker logs --since` and `kubectl logs --since`, and days."""
    text = str(said).strip()
    if _NUMBER.fullmatch(text):
        moment = datetime.fromtimestamp(float(text), UTC)
    elif _DURATION.fullmatch(text):
        ago = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
        return clock.milliseconds() - round(ago * 1000)
    else:
        # A "+" that was not escaped in an address has become a space.
        moment = datetime.fromisoformat(re.sub(r"(T\S{1,20}) (\d\d:?\d\d)$", r"\1+\2", text))
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return round((moment - datetime(1970, 1, 1, tzinfo=UTC)) / timedelta(milliseconds=1))


def _since(said: str | float) -> int:
    try:
        return _moment(said)
    except (OverflowError, OSError):  # years that no calendar has
        raise ValueError(said) from None


Since = Annotated[
    Annotated[str, Field(max_length=64)] | Annotated[float, Field(ge=0, le=_LAST_SECOND)],
    AfterValidator(_since),
    hinted(
        "Send how long ago, such as 10m, 1h30m or 2d, a moment such as 2026-11-08T10:30:00Z, or Unix seconds."
    ),
]


class Position(BaseModel):
    """Where a reading ended: the `next` of an answer, to be sent back as it is. Times are Unix milliseconds."""

    model_config = ConfigDict(strict=True, frozen=True, extra="ignore", hide_input_in_errors=True)

    since: Annotated[int, Field(ge=0)]  # from where it is read once more
    told: Annotated[dict[str, int], Field(max_length=_MOST_TOLD)] = {}  # what of that was told
    token: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    then: int | None = None  # from where, when all behind the token is read


@dataclass(frozen=True)
class Log:
    """Which log: its streams' prefix, from which moment on, and how a line of it is shown."""

    prefix: str
    first: int  # Unix milliseconds
    shown: Callable[[LogEvent], Answer]


def shown(event: LogEvent) -> Answer:
    """A line as answers show it; `at` is Unix seconds with milliseconds."""
    return {
        "id": event.id,
        "at": event.at / 1000,
        "task": event.task[:_TASK_DIGITS],
        "message": event.message,
    }


def first_moment(created_at: int) -> int:
    """Before it nothing was written, or is kept. A start that is said spares CloudWatch empty pages."""
    return max(created_at * 1000, clock.milliseconds() - KEPT_SECONDS * 1000)


def newest(platform: Platform, log: Log, count: int, since: int | None, *, follow: bool) -> Answer:
    """The newest lines, the oldest first; `truncated` if older ones that were asked for are too long for an answer.

    With `follow` the answer has a `next`, which is a position for `onwards`.
    """
    late = _late(clock.milliseconds())
    since = log.first if since is None else max(log.first, since)
    found = platform.task_logs.newest(log.prefix, since, count, late if follow else None)
    answer = _answer(log, found.read[-count:])
    if found.token and len(found.read) < count:
        answer["truncated"] = True
    if follow:
        answer["next"] = _shown(_behind(found, max(since, late)))
    return answer


def onwards(platform: Platform, log: Log, position: Position) -> Answer:
    """What has come behind a position, and the `next` one. Raises InvalidRequest for one that is lost."""
    since = position.since if position.token else max(position.since, log.first)
    then = max(since, _late(clock.milliseconds())) if position.then is None else position.then
    try:
        found = platform.task_logs.onwards(log.prefix, since, position.token)
    except PositionLost:
        raise InvalidRequest(
            "after is not valid.",
            field="after",
            suggestion="Send the next of an answer of today, or ask for the newest lines again.",
        ) from None
    new = [event for event in found.read if event.id not in position.told]
    told = position.told | _ids(new)
    if len(told) > _MOST_TOLD:  # whoever writes so much is waited for less long
        then = max(then, sorted(told.values())[-_MOST_TOLD] + 1)
        told = _since_then(told, then)
    if found.token:
        behind = Position(since=since, told=told, token=found.token, then=then)
    else:
        behind = Position(since=then, told=_since_then(told, then))
    return _answer(log, new) | {"next": _shown(behind)}


def _late(began: int) -> int:
    """From where lines may still come that were not there for who looked at `began`."""
    return began - LATE_SECONDS * 1000


def _behind(found: Events, since: int) -> Position:
    """The position behind the newest lines: whatever else will be there since then has come later."""
    if found.token and found.read:  # or it was not read, nor will it be
        since = max(since, found.read[0].at + 1)
    return Position(since=since, told=_since_then(_ids(found.read), since))


def _ids(events: list[LogEvent]) -> dict[str, int]:
    return {event.id: event.at for event in events}


def _since_then(told: dict[str, int], since: int) -> dict[str, int]:
    return {line: at for line, at in told.items() if at >= since}


def _shown(position: Position) -> Answer:
    return position.model_dump(exclude_none=True)


def _answer(log: Log, events: list[LogEvent]) -> Answer:
    return {"success": True, "lines": [log.shown(event) for event in events]}
