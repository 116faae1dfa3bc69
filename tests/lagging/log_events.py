"""FilterLogEvents as the real CloudWatch Logs answers it: the emulator knows neither prefixes nor orders.

Always in force.

* Events of all streams with the prefix, by timestamp and time of ingestion; the newest first if `startFromHead` is
  false, which needs a `startTime` of 2024 or later. Both times that bound them are inclusive.
* A page has `limit` events, 10,000 at most, or fewer, or none at all; only without a `nextToken` it is the last. A
  token keeps the direction, and is refused if CloudWatch Logs has not given it.
* Without any such stream, that it does not exist, as it says of a stream's name.

A test says how large pages are, how many are empty before each, what is not shown yet, and whether it is busy.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from moto.logs.models import logs_backends

from tests import world
from tests.lagging.strictness import Parameters, Reply, Said, refusal

_FIRST_REVERSED = 1_704_067_200_000  # 2024-01-01
_PAGE = 10_000


@dataclass
class Logs:
    """CloudWatch Logs, as it is just now."""

    page: int = _PAGE
    empty: int = 0
    unseen: set[str] = field(default_factory=set)  # messages
    busy: int = 0  # calls to be refused
    asked: list[Parameters] = field(default_factory=list)

    def forget(self) -> None:
        """A fresh one."""
        vars(self).update(vars(Logs()))

    def answer(self, asked: Parameters) -> Reply:
        """What it says to FilterLogEvents."""
        self.asked.append(asked)
        if self.busy:
            self.busy -= 1
            return refusal("ThrottlingException", "Rate exceeded")
        streams = list(_streams(asked))
        if not streams:
            said = "The specified log stream does not exist."
            return refusal("ResourceNotFoundException", said)
        try:
            token = json.loads(asked.get("nextToken", "{}"))
        except ValueError:
            return refusal("InvalidParameterException", "The specified nextToken is invalid.")
        from_head = token.get("head", asked.get("startFromHead", True))
        if not from_head and asked.get("startTime", 0) < _FIRST_REVERSED:
            return refusal("InvalidParameterException", "startTime is before 2024.")
        shown = sorted(self._shown(asked, streams), key=_place, reverse=not from_head)
        if last := token.get("after"):
            shown = [e for e in shown if (_place(e) > last if from_head else _place(e) < last)]
        return Said(200), self._paged(shown, token | {"head": from_head}, asked)

    def _shown(self, asked: Parameters, streams: list[Any]) -> Iterator[dict[str, Any]]:
        since, until = asked.get("startTime", 0), asked.get("endTime", float("inf"))
        for stream in streams:
            for event in list(stream.events):
                if since <= event.timestamp <= until and event.message not in self.unseen:
                    found = event.to_filter_dict() | {"logStreamName": stream.log_stream_name}
                    yield found | {"eventId": found["eventId"].zfill(56)}

    def _paged(
        self, shown: list[dict[str, Any]], token: dict[str, Any], asked: Parameters
    ) -> dict[str, Any]:
        answer: dict[str, Any] = {
            "searchedLogStreams": [],
            "ResponseMetadata": {"HTTPStatusCode": 200},
        }
        if token.get("empty", 0) < self.empty:
            token = token | {"empty": token.get("empty", 0) + 1}
            return answer | {"events": [], "nextToken": json.dumps(token)}
        size = min(asked.get("limit", _PAGE), self.page)
        answer["events"] = shown[:size]
        if len(shown) > size:
            token = {"head": token["head"], "after": _place(shown[size - 1])}
            answer["nextToken"] = json.dumps(token)
        return answer


LOGS = Logs()


def before(name: str, asked: Parameters) -> Reply | None:
    """CloudWatch Logs' own answer to a call, where the emulator's would be another."""
    return LOGS.answer(asked) if name == "logs.FilterLogEvents" else None


def _streams(asked: Parameters) -> Iterator[Any]:
    group = logs_backends[world.ACCOUNT][world.REGION].groups[asked["logGroupName"]]
    prefix = asked.get("logStreamNamePrefix", "")
    return (stream for name, stream in group.streams.items() if name.startswith(prefix))


def _place(event: dict[str, Any]) -> list[Any]:
    return [event["timestamp"], event["ingestionTime"], event["eventId"]]
