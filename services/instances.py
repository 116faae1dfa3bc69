"""The table of instances: one item per user, from the intent to create until all is gone.

Two attributes make an item safe to work on and impossible to forget:

* `worker` and `workerUntil`: who carries out a piece of work with side effects in AWS. It is taken by a
  conditional write and lasts as long as a function may live, so that its holder cannot outlive it.
* `due` and `dueAt`: the sparse index that the ticks query. Whatever is not at rest has them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, NotRequired, TypedDict, cast

from services.dynamodb import (
    Attr,
    Condition,
    ConditionFailed,
    Item,
    Key,
    Operation,
    Table,
    absent,
)
from services.runs import EndCause, Kind

WORK_SECONDS = (
    300  # the function's timeout: AWS has ended any process that took the work before that
)


class InstanceStatus(StrEnum):
    """How far a server is. The contract has no word for one being made or destroyed: `status` says "unknown"."""

    CREATING = "creating"
    CREATED = "created"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DESTROYING = "destroying"


AT_REST = (InstanceStatus.CREATED, InstanceStatus.STOPPED)
UP = (InstanceStatus.STARTING, InstanceStatus.RUNNING)
WHOLE = (*AT_REST, *UP, InstanceStatus.STOPPING)  # neither half made nor half gone


class Booking(TypedDict):
    """A session's time and licence, as its member's instance knows it, preparation and grace included."""

    sessionId: str
    licenseId: str
    begins: int
    ends: int


class Instance(TypedDict):
    """A member's server. Times are UTC Unix seconds."""

    userId: str
    instanceId: str
    username: str
    label: str
    host: str
    status: InstanceStatus
    statusSince: int
    foundryVersion: str
    licenseType: str
    allowLicenseSharing: bool
    createdAt: int
    operatorAccount: bool
    s3BucketName: str
    bookings: NotRequired[list[Booking]]
    bookingsVersion: NotRequired[int]
    lastStarted: NotRequired[int]
    licenseId: NotRequired[str]
    licenseOwnerId: NotRequired[str]
    accessPointId: NotRequired[str]
    secretArn: NotRequired[str]
    taskDefinitionArn: NotRequired[str]
    taskDefinitionLicense: NotRequired[str]
    runId: NotRequired[str]
    runKind: NotRequired[Kind]
    upSince: NotRequired[int]
    taskArn: NotRequired[str]
    runLicense: NotRequired[str]
    address: NotRequired[str]
    routing: NotRequired[bool]
    reason: NotRequired[str]
    endedBy: NotRequired[EndCause]
    seenAt: NotRequired[int]
    purged: NotRequired[bool]
    idleSince: NotRequired[int]
    idleSeconds: NotRequired[int]
    noticedAt: NotRequired[int]
    keepUntil: NotRequired[int]
    due: NotRequired[str]
    dueAt: NotRequired[int]
    worker: NotRequired[str]
    workerUntil: NotRequired[int]


class Instances(Table):
    """Reads and conditional writes of instances."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "userId")

    def find(self, user_id: str) -> Instance | None:
        """The user's instance as it is now, or None. One consistent read."""
        return cast("Instance | None", self.get(user_id))

    def all(self) -> Iterator[Instance]:
        """Every instance, for an administrator's listing."""
        return (cast("Instance", item) for item in self.scan())

    def due(self, now: int) -> Iterator[str]:
        """The users whose instances want attention at `now`, longest due first."""
        wanted = Key("due").eq("instance") & Key("dueAt").lte(now)
        return (item["userId"] for item in self.query("DueIndex", wanted))

    def change(
        self,
        instance: Instance,
        when: Condition,
        values: Mapping[str, Any],
        remove: Sequence[str] = (),
    ) -> Operation:
        """The operation that changes this very instance, never a later one of the same user."""
        return self.update(instance["userId"], self.is_same(instance) & when, values, remove)

    def is_same(self, instance: Instance) -> Condition:
        """The condition that the item is still this very instance."""
        return Attr("instanceId").eq(instance["instanceId"])

    def take(
        self,
        instance: Instance,
        worker: str,
        now: int,
        when: Condition,
        values: Mapping[str, Any] | None = None,
    ) -> Instance:
        """Take the work on an instance if `when` holds and nobody else has it; returns it as it then is.

        Raises ConditionFailed with the item found. Taking it twice with the same `worker` succeeds, so a
        request repeated because its answer was lost does no harm.
        """
        taken = {**hold(worker, now), **(values or {})}
        when = when & is_free_for(worker, now)
        return cast("Instance", self.apply_update(self.change(instance, when, taken)))

    def leave(self, instance: Instance, worker: str, due_at: int) -> None:
        """Give the work up unfinished: whoever repeats it, or the tick at `due_at`, carries on."""
        due: dict[str, Any] = {"due": "instance", "dueAt": due_at}
        try:
            mine = Attr("worker").eq(worker)
            self.apply_update(self.change(instance, mine, due, ("worker", "workerUntil")))
        except ConditionFailed:
            return  # finished, gone, or never begun: nothing of ours is held

    def record(self, instance: Instance, worker: str, values: Mapping[str, Any]) -> Instance:
        """Note what the work has made so far; raises ConditionFailed if the work is no longer ours."""
        mine = Attr("worker").eq(worker)
        return cast("Instance", self.apply_update(self.change(instance, mine, values)))


def is_free_for(worker: str, now: int) -> Condition:
    """The condition that nobody but `worker` holds the work on an instance."""
    return absent("worker") | Attr("workerUntil").lt(now) | Attr("worker").eq(worker)


def hold(worker: str, now: int) -> dict[str, Any]:
    """What says that `worker` holds the work from now on."""
    return {"worker": worker, "workerUntil": now + WORK_SECONDS}


def is_worked_on(item: Mapping[str, Any] | Item, now: int) -> bool:
    """Whether somebody else holds the work on the instance at `now`."""
    return bool(item.get("workerUntil", 0) >= now)


def is_booked_now(instance: Instance, now: int) -> bool:
    """Whether a session of the member's is being prepared or played at `now`."""
    return any(b["begins"] <= now < b["ends"] for b in instance.get("bookings", []))
