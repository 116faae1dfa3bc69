"""What the administrator's overview reads and how long it takes, with few and with many members.

Members, their counters and their totals are written straight into the emulator's tables, as the platform
would have left them.
"""

from __future__ import annotations

import io
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any

from bench.calls import emulated
from bench.replay import replayed
from bench.report import progress
from bench.ticks import FEW, MANY, READS, instance_item, write
from handler.app import lambda_handler
from services.counters import shard_of
from tests import world
from tests.aws_calls import AWS
from tests.world import sample

ROUNDS, REPLAYS = 5, 101


@dataclass(frozen=True)
class Looked:
    """One look: how many reads, how long with the emulator, and how long the function itself, in seconds.

    The emulator looks at all items there are, DynamoDB at those that it returns; the function's own time is
    measured with the emulator's answers given again.
    """

    reads: int
    seconds: float
    own: float


def measure() -> tuple[Looked, Looked]:
    """The overview with few and with many members."""
    return _stored(FEW), _stored(MANY)


def _stored(count: int) -> Looked:
    progress(f"Overview: {count} members stored ...")
    with emulated(0):
        _fill(count)
        AWS.begin()
        _look()
        reads = sum(call.name in READS for call in AWS.calls)
        AWS.end()
        seconds = median(_look() for _ in range(ROUNDS))
        with replayed("dynamodb"):
            _look()
            own = median(_look() for _ in range(REPLAYS))
    return Looked(reads, seconds, own)


def _look() -> float:
    began = time.perf_counter()
    with redirect_stdout(io.StringIO()) as log:
        answer = lambda_handler(sample("admin-overview", userId="admin"), world.Context())
    took = time.perf_counter() - began
    assert answer["success"], log.getvalue()
    return took


def _fill(count: int) -> None:
    now = int(time.time())
    users = [f"member{number}" for number in range(count)]
    write("instances", [instance_item(user, now) for user in users])
    write("ledger", [_totals(user, number) for number, user in enumerate(users)])
    shards: dict[str, int] = {}
    for user in users:
        shards[shard_of(user)] = shards.get(shard_of(user), 0) + 1
    write("ledger", [_shard(shard, n) for shard, n in shards.items()])


def _totals(user: str, number: int) -> dict[str, Any]:
    donated = Decimal(number % 50)
    used = {"seconds": 3600, "runs": 1, "cost": Decimal("0.0445"), "donated": donated}
    return {"account": user, "entry": "all", "period": "all", **used}


def _shard(shard: str, count: int) -> dict[str, Any]:
    counted = {"stopped": count, "seconds": 3600 * count, "cost": Decimal("0.0445") * count}
    return {"account": "#counters", "entry": shard, "version": count, **counted}
