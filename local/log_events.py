"""FilterLogEvents as CloudWatch Logs answers it, where the emulator takes no prefix, no order and no token.

`tests/embedded/test_log_events.py` holds that it still fits.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from functools import partial
from operator import itemgetter
from typing import Any

from ministack.services import cloudwatch_logs as logs

_PAGE = 10_000

Record = dict[str, Any]  # of the emulator: an event, a request


def complete() -> None:
    """Let the emulator of this process answer so."""
    logs._filter_log_events = partial(_filtered, logs._filter_log_events)


def _filtered(original: Callable[[Record], Any], asked: Record) -> Any:
    if "logStreamNamePrefix" not in asked or asked.get("logGroupName") not in logs._log_groups:
        return original(asked)
    order = json.loads(asked.get("nextToken", "{}")) or {"up": asked.get("startFromHead", True)}
    with logs._log_events_lock:
        found = sorted(_placed(asked), key=itemgetter(0), reverse=not order["up"])
    if last := order.get("last"):
        found = [e for e in found if (e[0] > last if order["up"] else e[0] < last)]
    size = min(asked.get("limit", _PAGE), _PAGE)
    answer: Record = {"events": [event for _, event in found[:size]], "searchedLogStreams": []}
    if len(found) > size:
        answer["nextToken"] = json.dumps(order | {"last": found[size - 1][0]})
    return logs.json_response(answer)


def _placed(asked: Record) -> Iterator[tuple[list[Any], Record]]:
    """The events that are asked for, and where each stands among all."""
    since, until = asked.get("startTime", 0), asked.get("endTime", float("inf"))
    for name, stream in logs._log_groups[asked["logGroupName"]]["streams"].items():
        if name.startswith(asked["logStreamNamePrefix"]):
            for number, event in enumerate(stream["events"]):
                at, came = event["timestamp"], event["ingestionTime"]
                if since <= at <= until:
                    yield [at, came, name, number], event | {"logStreamName": name}
