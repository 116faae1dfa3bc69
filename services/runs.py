"""The table of runs: one item per task from start to stop, which is also its bill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal, NotRequired, TypedDict, cast

from services.dynamodb import Attr, Key, Operation, Table, absent

Kind = Literal["play", "purge", "function", "job"]
_STRAY = "stray"
_OF_A_STRAY = ("open", "strayTask", "straySince")


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
    FUNCTION = "function"  # a task of a member's function has ended, however it did

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


@dataclass(frozen=True)
class End:
    """How a run ended: by what, whether ECS has said so, and whether Foundry closed its world before.

    `clean` is None where Foundry was not asked; `arrival` is when each phase of its start began.
    """

    cause: EndCause
    seen: bool
    clean: bool | None = None
    arrival: Mapping[str, int] | None = None


class Bill(TypedDict):
    """What a run came to: all of it is there once the run is closed, and never changes then."""

    stoppedAt: NotRequired[int]
    seconds: NotRequired[int]
    cost: NotRequired[Decimal]
    endedBy: NotRequired[EndCause]
    endSeen: NotRequired[bool]
    clean: NotRequired[bool]
    arrival: NotRequired[dict[str, int]]


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
    jobEntry: NotRequired[str]  # of an invocation
    startedAt: NotRequired[int]  # once the task is seen running
    open: NotRequired[str]  # until the run is closed; then while its task is a stray
    strayTask: NotRequired[str]  # the ARN of a task that is alive though the run is closed
    straySince: NotRequired[int]


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

    def open_of(self, user_id: str) -> Iterator[Run]:
        """The member's runs that are not billed yet, among all those: the index knows no members."""
        return (run for run in self.still_open() if run["userId"] == user_id)

    def begin(self, run: Run) -> Operation:
        """The operation that opens a run."""
        return self.put({**run, "open": "run"}, absent("runId"))

    def note_start(self, run_id: str, started_at: int) -> Operation:
        """The operation that notes since when an open run's task has been billed by AWS."""
        return self.update(run_id, Attr("open").exists(), {"startedAt": started_at})

    def close(
        self, run: Run, started_at: int, stopped_at: int, cost: Decimal, end: End
    ) -> Operation:
        """The operation that bills a run: it succeeds exactly once."""
        billed = {
            "startedAt": started_at,
            "stoppedAt": stopped_at,
            "seconds": stopped_at - started_at,
            "cost": cost,
            "endedBy": end.cause,
            "endSeen": end.seen,
            **({} if end.clean is None else {"clean": end.clean}),
            **({"arrival": end.arrival} if end.arrival else {}),
        }
        return self.update(run["runId"], absent("stoppedAt"), billed, ("open",))

    def amend(self, run: Run, started_at: int, stopped_at: int, cost: Decimal) -> Operation:
        """The operation that adds a later time of its task to a closed run that is still as it was read."""
        billed = {
            "startedAt": run["startedAt"] if run["seconds"] else started_at,
            "stoppedAt": stopped_at,
            "seconds": run["seconds"] + stopped_at - started_at,
            "cost": run["cost"] + cost,
        }
        as_read = Attr("stoppedAt").eq(run["stoppedAt"]) & Attr("seconds").eq(run["seconds"])
        return self.update(run["runId"], as_read, billed, _OF_A_STRAY)

    def strays(self) -> Iterator[Run]:
        """The closed runs whose task was seen alive and is to stop. The index may lag a moment."""
        items = self.query("OpenIndex", Key("open").eq(_STRAY))
        return (cast("Run", item) for item in items)

    def note_stray(self, run: Run, task_arn: str, now: int) -> Operation:
        """The operation that notes that a closed run's task is alive."""
        since = run.get("straySince", now)
        stray = {"open": _STRAY, "strayTask": task_arn, "straySince": since}
        return self.update(run["runId"], Attr("stoppedAt").exists(), stray)

    def forget_stray(self, run: Run) -> Operation:
        """The operation that notes that a closed run's task is alive no more."""
        return self.update(run["runId"], Attr("stoppedAt").exists(), {}, _OF_A_STRAY)
