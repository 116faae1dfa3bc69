"""CloudWatch Logs: what containers of members' functions and servers have written, a stream for each task.

All streams of a function, or of a server, are read at once, by the prefix of their names (FilterLogEvents): one
call as a rule, however many tasks have run; it finds streams that are a moment old, and every event has an id.
GetLogEvents would take two calls or more for each stream, of which invocations leave hundreds, and knows no
ids; DescribeLogStreams says up to an hour late which of them were written to; Live Tail leaves out what is
beyond 500 lines a second, and has 15 sessions. FilterLogEvents may be called 10 times a second by a whole
account, 25 in us-east-1, 5 in some Regions, and nobody can have more (CloudWatch Logs quotas). Its newest first
is of June 2026.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from botocore.exceptions import ClientError

from services.aws import client, code_of
from services.errors import PositionLost
from services.settings import Settings

KEPT_SECONDS = 3 * 86400  # template.yaml, TaskLogs: RetentionInDays
_PAGE = 10_000  # events in an answer, at most, or 1 MB of them (FilterLogEvents)
# Of one reading: pages may be empty though others follow. Who follows reads onwards, every second at most.
_CALLS, _CALLS_ONWARDS = 10, 3
_CHARACTERS = 2_000_000  # as JSON, before the last page: Lambda's answers have 6 MB


@dataclass(frozen=True)
class LogEvent:
    """What a container has written in one go, a line as a rule. `at` is UTC Unix milliseconds."""

    id: str
    at: int
    task: str
    container: str
    message: str


@dataclass(frozen=True)
class Events:
    """Events, the oldest first. Behind `token` there may be others, in the direction of reading."""

    read: list[LogEvent]
    token: str | None


_DELETED_AT_ONCE = 50  # streams, one call each


class TaskLogs:
    """The streams of functions and servers in the group of all containers."""

    def __init__(self, settings: Settings) -> None:
        self._group = settings.task_log_group

    def newest(
        self,
        prefix: str,
        since: int,
        count: int,
        whole: int | None = None,
        *,
        calls: int = _CALLS,
    ) -> Events:
        """The `count` newest events of a function, or more; none before `since`, and if given all since `whole`.

        Times are UTC Unix milliseconds.
        """
        limit = min(count, _PAGE) if whole is None else _PAGE
        asked = {"startTime": since, "startFromHead": False, "limit": limit}

        def suffice(found: list[LogEvent]) -> bool:
            return len(found) >= count and (whole is None or found[-1].at < whole)

        found, token = self._read(prefix, asked, suffice, calls)
        return Events(found[::-1], token)

    def before(
        self, prefix: str, since: int, count: int, event_id: str, at: int, place: int
    ) -> Events:
        """The `count` newest events, or more, that come before one of `at`; none before `since`.

        That one was the `place`th of its moment, counted from the newest. Events of one moment have an order, too,
        by their ingestion and their request: what has come since then stands before it, and is not meant.
        """
        limit = min(count + place, _PAGE)
        asked = {"startTime": since, "endTime": at, "startFromHead": False, "limit": limit}

        def suffice(found: list[LogEvent]) -> bool:
            return len(_behind(found, event_id, at)) >= count

        found, token = self._read(prefix, asked, suffice, _CALLS)
        return Events(_behind(found, event_id, at)[::-1], token)

    def onwards(self, prefix: str, since: int, token: str | None = None) -> Events:
        """The events of a function since then, or those behind the `token` of a former call with that `since`.

        Raises PositionLost for a token that is a day old, or none.
        """
        asked = {"startTime": since} | ({"nextToken": token} if token else {})
        return Events(*self._read(prefix, asked, lambda _: False, _CALLS_ONWARDS))

    def _read(
        self,
        prefix: str,
        asked: dict[str, Any],
        suffice: Callable[[list[LogEvent]], bool],
        calls: int,
    ) -> tuple[list[LogEvent], str | None]:
        """Events in the order of reading, until they suffice, none is left, or there have been calls enough."""
        found: list[LogEvent] = []
        token, characters = None, 0
        for _ in range(calls):
            page, token = self._page(prefix, asked)
            found += page
            characters += sum(len(json.dumps(event.message)) for event in page)
            if token is None or suffice(found) or characters >= _CHARACTERS:
                break
            asked = asked | {"nextToken": token}
        return found, token

    def _page(self, prefix: str, asked: dict[str, Any]) -> tuple[list[LogEvent], str | None]:
        try:
            answer = client("logs").filter_log_events(
                logGroupName=self._group, logStreamNamePrefix=f"{prefix}/", **asked
            )
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return [], None  # no task has written anything yet
            if code_of(error) == "InvalidParameterException" and "nextToken" in asked:
                raise PositionLost from error
            raise
        return [_event(found) for found in answer["events"]], answer.get("nextToken")

    def delete(self, prefix: str) -> bool:
        """Delete the streams of a function's tasks; False if there are more than fit into one go."""
        names = list(islice(self._streams(prefix), _DELETED_AT_ONCE + 1))
        for name in names[:_DELETED_AT_ONCE]:
            try:
                client("logs").delete_log_stream(logGroupName=self._group, logStreamName=name)
            except ClientError as error:
                if code_of(error) != "ResourceNotFoundException":
                    raise
        return len(names) <= _DELETED_AT_ONCE

    def _streams(self, prefix: str) -> Iterator[str]:
        pages = client("logs").get_paginator("describe_log_streams")
        found = pages.paginate(logGroupName=self._group, logStreamNamePrefix=f"{prefix}/")
        return (stream["logStreamName"] for page in found for stream in page["logStreams"])


def _behind(newest_first: list[LogEvent], event_id: str, at: int) -> list[LogEvent]:
    """What is behind an event of `at`; if that is not kept any more, what is of moments before."""
    for place, event in enumerate(newest_first):
        if event.id == event_id:
            return newest_first[place + 1 :]
    return [event for event in newest_first if event.at < at]


def _event(found: dict[str, Any]) -> LogEvent:
    _, container, task = found["logStreamName"].rsplit("/", 2)
    return LogEvent(found["eventId"], found["timestamp"], task, container, found["message"])
