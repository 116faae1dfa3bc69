"""The table of runs: one item per task from start to stop, which is also its bill."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal, NotRequired, TypedDict, cast

from services.dynamodb import Operation, Table, absent

Kind = Literal["play", "purge"]


class Run(TypedDict):
    """One task's life. Times are UTC Unix seconds by ECS's clock, cost in USD."""

    runId: str
    userId: str
    instanceId: str
    kind: Kind
    cpu: int
    memory: int
    requestedAt: int
    licenseId: NotRequired[str]
    startedAt: NotRequired[int]
    stoppedAt: NotRequired[int]
    seconds: NotRequired[int]
    cost: NotRequired[Decimal]
    stopCode: NotRequired[str]


class Runs(Table):
    """Reads and writes of runs. An open run has no `stoppedAt`."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "runId")

    def find(self, run_id: str) -> Run | None:
        """The run, open or closed, or None if the platform never asked for it."""
        return cast("Run | None", self.get(run_id))

    def open(self, run: Run) -> Operation:
        """The operation that opens a run."""
        return self.put(run, absent("runId"))

    def close(self, run: Run, started_at: int, stopped_at: int, cost: Decimal) -> Operation:
        """The operation that bills a run: it succeeds exactly once."""
        billed = {
            "startedAt": started_at,
            "stoppedAt": stopped_at,
            "seconds": stopped_at - started_at,
            "cost": cost,
        }
        return self.update(run["runId"], absent("stoppedAt"), billed)
