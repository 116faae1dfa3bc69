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
        until: int | None = None,
        calls: int = _CALLS,
    ) -> Events:
        """The `count` newest events of a function, or more; none before `since`, and if given all since `whole`.

        None after `until` if that is given. Times are UTC Unix milliseconds.
        """
        limit = min(count, _PAGE) if whole is None else _PAGE
        asked = {"startTime": since, "startFromHead": False, "limit": limit}
        asked |= {} if until is None else {"endTime": until}

        def suffice(found: list[LogEvent]) -> bool:
            return len(found) >= count and (whole is None or found[-1].at < whole)

        found, token = self._read(prefix, asked, suffice, calls)
        return Events(found[::-1], token)

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


def _event(found: dict[str, Any]) -> LogEvent:
    _, container, task = found["logStreamName"].rsplit("/", 2)
    return LogEvent(found["eventId"], found["timestamp"], task, container, found["message"])
