"""The table of runs: one item per task from start to stop, which is also its bill."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from enum import StrEnum
from typing import Literal, NotRequired, TypedDict, cast

from services.dynamodb import Attr, Key, Operation, Table, absent

Kind = Literal["play", "purge"]


class EndCause(StrEnum):
    """What ended a run, as the shutdown statistics count it."""

    IDLE = "idle"
    SESSION_IDLE = "session-idle"
    SESSION_OVER = "session-over"
    TIME_UP = "time-up"
    MAINTENANCE = "maintenance"
    PREEMPTED = "gave-way"  # to a session that has booked the licence
    SESSION = "session"  # to start anew on the licence of the member's own session
    MEMBER = "member"
    FORCED = "forced"  # by an administrator
    DESTROY = "destroy"
    CRASH = "crash"
    FAILURE = "failure"  # it did not come up
    PURGE = "purge"  # a task that erased files has ended, as it should

    @property
    def is_automatic(self) -> bool:
        """Whether the platform stopped the server by itself."""
        return self in _AUTOMATIC


_AUTOMATIC = frozenset(
    {
        EndCause.IDLE,
        EndCause.SESSION_IDLE,
        EndCause.SESSION_OVER,
        EndCause.TIME_UP,
        EndCause.MAINTENANCE,
        EndCause.PREEMPTED,
        EndCause.SESSION,
    }
)


class Bill(TypedDict):
    """What a run came to: all of it is there once the run is closed, and never changes then."""

    stoppedAt: NotRequired[int]
    seconds: NotRequired[int]
    cost: NotRequired[Decimal]
    endedBy: NotRequired[EndCause]


class Run(Bill):
    """One task's life. Times are UTC Unix seconds by ECS's clock, `rate` is USD an hour, `cost` USD."""

    runId: str
    userId: str
    instanceId: str
    kind: Kind
    cpu: int
    memory: int
    rate: Decimal
    requestedAt: int
    licenseId: NotRequired[str]  # of one that plays
    startedAt: NotRequired[int]  # once the task is seen running
    open: NotRequired[str]  # until the run is closed


class Runs(Table):
    """Reads and writes of runs."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "runId")

    def find(self, run_id: str) -> Run | None:
        """The run, open or closed, or None if the platform never asked for it."""
        return cast("Run | None", self.get(run_id))

    def all(self) -> Iterator[Run]:
        """Every run, for repairing what was counted of them."""
        return (cast("Run", item) for item in self.scan())

    def still_open(self) -> Iterator[Run]:
        """The runs that are not billed yet. The index may lag a moment behind the table."""
        items = self.query("OpenIndex", Key("open").eq("run"))
        return (cast("Run", item) for item in items)

    def begin(self, run: Run) -> Operation:
        """The operation that opens a run."""
        return self.put({**run, "open": "run"}, absent("runId"))

    def note_start(self, run_id: str, started_at: int) -> Operation:
        """The operation that notes since when an open run's task has been billed by AWS."""
        return self.update(run_id, Attr("open").exists(), {"startedAt": started_at})

    def close(
        self, run: Run, started_at: int, stopped_at: int, cost: Decimal, ended_by: EndCause
    ) -> Operation:
        """The operation that bills a run: it succeeds exactly once."""
        billed = {
            "startedAt": started_at,
            "stoppedAt": stopped_at,
            "seconds": stopped_at - started_at,
            "cost": cost,
            "endedBy": ended_by,
        }
        return self.update(run["runId"], absent("stoppedAt"), billed, ("open",))
