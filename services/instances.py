"""The table of instances: one item per user, from the intent to create until all is gone.

Two attributes make an item safe to work on and impossible to forget:

* `worker` and `workerUntil`: the lock, its owner and when it expires. Whoever touches AWS for the instance
  holds it. It is acquired by a conditional write and lasts as long as a function may live, so that its
  owner cannot outlive it.
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

# How long a lock lasts: the function's timeout, by which AWS has ended any process that acquired it.
LOCK_SECONDS = 300
LOCK_FIELDS = ("worker", "workerUntil")


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

    def acquire(
        self,
        instance: Instance,
        lock_id: str,
        now: int,
        when: Condition,
        values: Mapping[str, Any] | None = None,
    ) -> Instance:
        """Lock an instance if `when` holds and it is not locked; returns it as it then is.

        Raises ConditionFailed with the item found. Acquiring it twice with the same `lock_id` succeeds, so a
        request repeated because its answer was lost does no harm.
        """
        locked = {**lock_fields(lock_id, now), **(values or {})}
        when = when & unlocked_for(lock_id, now)
        return cast("Instance", self.apply_update(self.change(instance, when, locked)))

    def release(self, instance: Instance, lock_id: str, due_at: int) -> None:
        """Give the lock back with work unfinished: whoever repeats it, or the tick at `due_at`, carries on."""
        due: dict[str, Any] = {"due": "instance", "dueAt": due_at}
        try:
            held = Attr("worker").eq(lock_id)
            self.apply_update(self.change(instance, held, due, LOCK_FIELDS))
        except ConditionFailed:
            return  # finished, gone, or never begun: nothing of ours is locked

    def note(self, instance: Instance, lock_id: str, values: Mapping[str, Any]) -> Instance:
        """Note what has been made so far; raises ConditionFailed if the lock is another's by now."""
        held = Attr("worker").eq(lock_id)
        return cast("Instance", self.apply_update(self.change(instance, held, values)))


def unlocked_for(lock_id: str, now: int) -> Condition:
    """The condition that nobody but `lock_id` holds the lock on an instance."""
    return absent("worker") | Attr("workerUntil").lt(now) | Attr("worker").eq(lock_id)


def lock_fields(lock_id: str, now: int) -> dict[str, Any]:
    """What says that `lock_id` holds the lock from now on."""
    return {"worker": lock_id, "workerUntil": now + LOCK_SECONDS}


def is_locked(item: Mapping[str, Any] | Item, now: int) -> bool:
    """Whether somebody holds the lock on the instance at `now`."""
    return bool(item.get("workerUntil", 0) >= now)


def is_booked_now(instance: Instance, now: int) -> bool:
    """Whether a session of the member's is being prepared or played at `now`."""
    return any(b["begins"] <= now < b["ends"] for b in instance.get("bookings", []))
