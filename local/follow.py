"""The function's log as it grows, a line for each of its lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from local.embedded import Embedded
from local.processes import printable

# What Lambda itself writes around each invocation.
_PLATFORM = ("START RequestId", "END RequestId", "REPORT RequestId", "INIT_START")


class FunctionLog:
    """Reads on from where it stopped the last time."""

    def __init__(self, embedded: Embedded, group: str) -> None:
        self._logs = embedded.client("logs")
        self._group = group
        self._read: dict[str, str] = {}  # stream: where to read on

    def fresh(self) -> list[str]:
        """The lines since the last call, the oldest first."""
        events = sorted(self._events(), key=lambda event: event["timestamp"])
        return [line for event in events for line in _lines(event["message"])]

    def _events(self) -> Iterator[dict[str, Any]]:
        for page in self._logs.get_paginator("describe_log_streams").paginate(
            logGroupName=self._group
        ):
            for stream in page["logStreams"]:
                yield from self._read_on(stream["logStreamName"])

    def _read_on(self, stream: str) -> Iterator[dict[str, Any]]:
        while True:
            given = {"nextToken": self._read[stream]} if stream in self._read else {}
            answer = self._logs.get_log_events(
                logGroupName=self._group, logStreamName=stream, startFromHead=True, **given
            )
            self._read[stream] = answer["nextForwardToken"]
            if not answer["events"]:
                return
            yield from answer["events"]


def readable(lines: list[str]) -> list[str]:
    """Lines of a process that logs as the function does, for people."""
    return [shown for line in lines if (shown := _readable(line))]


def _lines(message: str) -> Iterator[str]:
    for line in message.splitlines():
        if line.strip() and not line.startswith(_PLATFORM):
            shown = _readable(line)
            if shown:
                yield shown


def _readable(line: str) -> str:
    """The contract's JSON as a line for people; metrics are left out, and what is not JSON stays as it is."""
    try:
        entry = json.loads(line)
    except ValueError:
        return printable(line)
    if not isinstance(entry, dict) or "message" not in entry:
        return "" if isinstance(entry, dict) and "_aws" in entry else printable(line)
    who = f"{entry.get('action') or '-'} {entry.get('userId') or '-'}"
    clock = str(entry.get("timestamp", ""))[11:19]
    line = f"{clock} {entry.get('level', ''):7} {who}: {entry['message']}".replace("\n", "\\n")
    return printable(f"{line} {_details(entry.get('details') or {})}".rstrip())


def _details(details: dict[str, Any]) -> str:
    """As JSON, but a traceback as the lines it has."""
    plain = {name: value for name, value in details.items() if name != "exception"}
    shown = json.dumps(plain, ensure_ascii=False) if plain else ""
    return f"{shown}\n{details['exception']}" if "exception" in details else shown
