"""What a list of a member's functions costs, with few and with many; and what each request asks of AWS.

Functions are written straight into the emulator's table, as the platform would have left them.
"""

from __future__ import annotations

import io
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from random import Random
from statistics import median
from typing import Any

from bench.calls import ADDED_SECONDS, Asked, ask, emulated, quietly
from bench.replay import replayed
from bench.report import progress
from bench.ticks import READS, write
from tests import world
from tests.aws_calls import AWS
from tests.fargate import CLUSTER, Fargate
from tests.functions.serving import Follower, Serving
from tests.functions.writing import Writer
from tests.world import sample

COUNTS = (1, 100, 1000)
DESCRIBED_AT_ONCE = 10  # services that one DescribeServices takes
ROUNDS, LINES = 21, 30
USER = sample("function-list")["userId"]


@dataclass(frozen=True)
class Listed:
    """One list: reads of AWS, and the function's own time in seconds."""

    reads: int
    own: float


def lists() -> dict[int, Listed]:
    """A list of each length, whole."""
    return {count: _list(count) for count in COUNTS}


def requests() -> dict[str, Asked]:
    """What each request of a function's life asks of AWS; time with the added delay of each call."""
    progress("Functions: what each request asks of AWS ...")
    with emulated(ADDED_SECONDS):
        fargate = Fargate(CLUSTER, quietly)
        names = ("create", "get", "list", "update", "invoke", "invocations", "delete")
        ask(
            {**sample("function-create"), "name": "another"}
        )  # what every first function of a member needs
        asked = {}
        for name in names:
            asked[f"function-{name}"] = ask(sample(f"function-{name}"))
            fargate.settle()
        return asked


def follow() -> list[float]:
    """How many seconds lines, written at odd moments one by one, take from the log to a client that follows it."""
    progress(f"Functions: {LINES} lines to who follows a log ...")
    chances = Random(1)  # noqa: S311 - always the same moments
    with emulated(ADDED_SECONDS), redirect_stdout(io.StringIO()):
        function = quietly({**sample("function-create"), "userId": "alice", "name": "dice"})
        write_line = Writer.of(function["function"])
        with Serving() as serving:
            follower = Follower(serving)
            took = []
            for number in range(LINES):
                time.sleep(chances.uniform(0.1, 1.5))
                began = time.perf_counter()
                write_line(f"line {number}")
                follower.line()
                took.append(time.perf_counter() - began)
            follower.leave()
    return took


def _list(count: int) -> Listed:
    progress(f"Functions: a list of {count} ...")
    with emulated(0):
        write("functions", [_item(number) for number in range(count)])
        event = {"action": "function-list", "userId": USER}
        quietly(event)
        AWS.begin()
        answer = quietly(event)
        reads = sum(call.name in READS for call in AWS.calls)
        assert len(AWS.calls) == reads, AWS.calls
        AWS.end()
        assert answer["total"] == count
        with replayed("dynamodb"):
            quietly(event)
            own = median(_timed(event) for _ in range(ROUNDS))
    return Listed(reads, own)


def _timed(event: dict[str, Any]) -> float:
    began = time.perf_counter()
    quietly(event)
    return time.perf_counter() - began


def _item(number: int) -> dict[str, Any]:
    now, name = int(time.time()), f"function-{number}"
    return {
        "userId": USER,
        "entry": f"fn:{name}",
        "functionId": f"550e8400-e29b-41d4-a716-{number:012x}",
        "name": name,
        "image": "ghcr.io/our-group/dice-bot:1.4",
        "replicas": 1,
        "command": ["serve", "--port", "8080"],
        "env": {f"VARIABLE_{i}": "a value of usual length" for i in range(5)},
        "secretNames": ["DISCORD_TOKEN"],
        "cpu": 256,
        "memory": 512,
        "readOnly": False,
        "createdAt": now - number,
        "updatedAt": now,
        "generation": 3,
        "applied": 3,
        "shape": 3,
        "definition": f"arn:aws:ecs:{world.REGION}:{world.ACCOUNT}:task-definition/x_{name}:3",
        "definitionShape": 3,
        "oldestRevision": 3,
        "serviceAskedAt": now,
        "tasks": {f"{number:032x}": {"arn": f"{CLUSTER}/{number:032x}", "seenAt": now}},
        "seen": 4,
        "failures": 0,
        "events": [],
    }
