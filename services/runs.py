"""The table of runs: one item per task from start to stop, which is also its bill."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Literal, NotRequired, TypedDict, cast

from services.dynamodb import Attr, Condition, Key, Operation, Table, absent

Kind = Literal["play", "purge", "save", "restore", "export", "inspect", "import", "function", "job"]
# Of tasks that handle files.
FILE_KINDS: tuple[Kind, ...] = ("save", "restore", "export", "inspect", "import")
_STRAY = "stray"
_FOLLOW = "follow"
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
    FILES = "files"  # a task that saved or restored files has ended, however it did
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

    `clean` is None where Foundry was not asked; `arrival` is when each phase of its start began; `follow` is what
    has to be known of an end of which something follows (actions/instances/aftermath.py).
    """

    cause: EndCause
    seen: bool
    clean: bool | None = None
    arrival: Mapping[str, int] | None = None
    follow: Mapping[str, object] | None = None


class Bill(TypedDict):
    """What a run came to: all of it is there once the run is closed, and never changes then."""

    stoppedAt: NotRequired[int]
    seconds: NotRequired[int]
    cost: NotRequired[Decimal]
    endedBy: NotRequired[EndCause]
    endSeen: NotRequired[bool]
    clean: NotRequired[bool]
    arrival: NotRequired[dict[str, int]]


class Aftermath(TypedDict):
    """What an end that nobody asked for leaves to do, noted with the end, and what has come of it."""

    dueAt: NotRequired[int]  # until all has been done
    endedAt: NotRequired[int]  # when the end was noticed
    said: NotRequired[list[str]]  # the causes that ECS's words may stand for
    codes: NotRequired[dict[str, int]]  # with which its containers ended
    task: NotRequired[str]  # its id
    late: NotRequired[bool]  # it did not come up in time
    tells: NotRequired[bool]  # whether its member has to be told
    told: NotRequired[bool]
    startsAgain: NotRequired[bool]  # by itself, for a session
    why: NotRequired[str]  # the cause, once it is known
    lines: NotRequired[list[str]]  # of its log, without secrets


class Storing(TypedDict):
    """Of one that saved: what its repository then held, and for how long that was billed."""

    storedBytes: NotRequired[int]
    storedSince: NotRequired[int]
    storedUntil: NotRequired[int]
    storedCost: NotRequired[Decimal]


class Run(Bill, Aftermath, Storing):
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
    world: NotRequired[str]  # that it was to open at once
    worldNotOpened: NotRequired[str]  # why it has not, where that is known
    jobEntry: NotRequired[str]  # of an invocation
    startedAt: NotRequired[int]  # once the task is seen running
    # until the run is closed; then while its task is a stray, or something follows from its end
    open: NotRequired[str]
    againOf: NotRequired[str]  # the run after whose end it was started by itself
    grown: NotRequired[bool]  # it has more memory than its member has chosen
    tries: NotRequired[int]  # of starts by itself before it, for the same passing reason
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

    def note_unopened(self, run_id: str, why: str) -> Operation:
        """The operation that notes why a run has not opened its world."""
        return self.update(run_id, Attr("runId").exists(), {"worldNotOpened": why})

    def close(
        self,
        run: Run,
        started_at: int,
        stopped_at: int,
        cost: Decimal,
        end: End,
        storing: Storing | None = None,
    ) -> Operation:
        """The operation that bills a run: it succeeds exactly once. `storing` is what is billed from then on."""
        billed = {
            "startedAt": started_at,
            "stoppedAt": stopped_at,
            "seconds": stopped_at - started_at,
            "cost": cost,
            "endedBy": end.cause,
            "endSeen": end.seen,
            **({} if end.clean is None else {"clean": end.clean}),
            **({"arrival": end.arrival} if end.arrival else {}),
            **(storing or {}),
        }
        follows = {"open": _FOLLOW, **end.follow} if end.follow else {}
        removed = () if follows else ("open",)
        return self.update(run["runId"], absent("stoppedAt"), billed | follows, removed)

    def store(self, run_id: str, since: int, until: int, cost: Decimal) -> Operation:
        """The operation that bills what a run's repository held for a while: it succeeds exactly once."""
        first = Attr("storedSince").eq(since) & absent("storedUntil")
        as_read = first | Attr("storedUntil").eq(since)
        return self.update(run_id, as_read, {"storedUntil": until}, add={"storedCost": cost})

    def amend(self, run: Run, started_at: int, stopped_at: int, cost: Decimal) -> Operation:
        """The operation that adds a later time of its task to a closed run that is still as it was read."""
        billed = {
            "startedAt": run["startedAt"] if run["seconds"] else started_at,
            "stoppedAt": stopped_at,
            "seconds": run["seconds"] + stopped_at - started_at,
            "cost": run["cost"] + cost,
        }
        as_read = Attr("stoppedAt").eq(run["stoppedAt"]) & Attr("seconds").eq(run["seconds"])
        return self._no_stray(run, as_read, billed)

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
        return self._no_stray(run, Attr("stoppedAt").exists(), {})

    def _no_stray(self, run: Run, when: Condition, values: Mapping[str, object]) -> Operation:
        follows = {"open": _FOLLOW} if "dueAt" in run else {}
        removed = [name for name in _OF_A_STRAY if name not in follows]
        return self.update(run["runId"], when, {**values, **follows}, removed)

    def to_follow(self, now: int) -> list[Run]:
        """The closed runs of whose end something is due. The index may lag a moment."""
        items = self.query("OpenIndex", Key("open").eq(_FOLLOW))
        return [cast("Run", item) for item in items if item.get("dueAt", now + 1) <= now]

    def note_aftermath(self, run: Run, values: Mapping[str, object]) -> Operation:
        """The operation that notes more of what follows from a run's end; refused if it is not as it was read."""
        why, told = run.get("why"), run.get("told")
        as_read = Attr("open").eq(_FOLLOW)
        as_read &= Attr("why").eq(why) if why else Attr("why").not_exists()
        as_read &= Attr("told").eq(told) if told else Attr("told").not_exists()
        return self.update(run["runId"], as_read, values)

    def followed(self, run: Run) -> Operation:
        """The operation that notes that nothing follows from a run's end any more: it succeeds exactly once."""
        return self.update(run["runId"], Attr("open").eq(_FOLLOW), {}, ("open", "dueAt"))
