"""The table of sessions: what was booked, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NotRequired, TypedDict, cast

from services.dynamodb import Attr, Item, Key, Operation, Position, Table, absent


class SessionStatus(StrEnum):
    """How far a session is (docs/actions.md, get-scheduled-sessions)."""

    SCHEDULED = "scheduled"
    PREPARING = "preparing"
    RUNNING = "running"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


NOT_BEGUN = (SessionStatus.SCHEDULED, SessionStatus.PREPARING)
OPEN = (*NOT_BEGUN, SessionStatus.RUNNING)


Wanted = Callable[[Mapping[str, Any]], bool]


class Session(TypedDict):
    """A booked session. Times are UTC Unix seconds, `duration` is minutes as in the contract.

    `due` and `dueAt` are there until nothing counts from its end any more.
    """

    sessionId: str
    userId: str
    startTime: int
    endTime: int
    duration: int
    status: SessionStatus
    licenseId: str
    createdAt: int
    title: NotRequired[str]
    description: NotRequired[str]
    world: NotRequired[str]  # that its runs open, instead of the server's own
    interested: NotRequired[list[str]]  # in its event in Discord: members' ids
    reason: NotRequired[str]  # why it was cancelled, or why its server is not there yet
    runId: NotRequired[str]  # of the server that was up for it, once it has begun
    restarts: NotRequired[int]  # how often its server has crashed or failed to come up
    restartedAt: NotRequired[int]
    expiresAt: NotRequired[int]  # when DynamoDB deletes one that is over
    due: NotRequired[str]
    dueAt: NotRequired[int]


class Sessions(Table):
    """Reads and conditional writes of sessions."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "sessionId")

    def find(self, session_id: str) -> Session | None:
        """The session, or None."""
        return cast("Session | None", self.get(session_id))

    def of_user(
        self,
        user_id: str,
        limit: int,
        after: Position | None,
        times: tuple[int, int] | None = None,
        wanted: Wanted | None = None,
    ) -> tuple[list[Session], Position | None]:
        """A page of the user's sessions, the earliest first. The index may lag a moment behind the table."""
        where = Key("startTime").between(*times) if times else None
        index, of = "UserIndex", ("userId", user_id)
        items, last = self.page(
            limit, after, index=index, of=of, sort="startTime", where=where, wanted=wanted
        )
        return cast("list[Session]", items), last

    def everybodys(
        self, limit: int, after: Position | None, wanted: Wanted | None
    ) -> tuple[list[Session], Position | None]:
        """A page of all sessions, in no order: the table is read as far as the page needs."""
        items, last = self.page(limit, after, wanted=wanted)
        return cast("list[Session]", items), last

    def due(self, now: int) -> Iterator[str]:
        """The ids of the sessions that want attention at `now`, longest due first."""
        wanted = Key("due").eq("session") & Key("dueAt").lte(now)
        return (item["sessionId"] for item in self.query("DueIndex", wanted))

    def book(self, session: Session) -> Operation:
        """The operation that notes a new session."""
        return self.put(session, absent("sessionId"))

    def move(
        self,
        session: Session,
        status: SessionStatus,
        values: Mapping[str, Any] | None = None,
        remove: Sequence[str] = (),
    ) -> Operation:
        """The operation that takes a session, whose status and `dueAt` are as they were read, to `status`."""
        due = Attr("dueAt").eq(session["dueAt"]) if "dueAt" in session else absent("dueAt")
        as_read = Attr("status").eq(session["status"]) & due
        return self.update(
            session["sessionId"], as_read, {"status": status, **(values or {})}, remove
        )

    def apply(self, operation: Operation) -> Item:
        """Carry out one such operation; raises ConditionFailed."""
        return self.apply_update(operation)
