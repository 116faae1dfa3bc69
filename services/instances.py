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
from typing import Any, Literal, NotRequired, Required, TypedDict, cast

from typing_extensions import ReadOnly, TypeIs

from services.dynamodb import (
    Attr,
    Condition,
    ConditionFailed,
    Item,
    Key,
    Operation,
    Position,
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


class Identity(TypedDict):
    """Who a server is whose: never changes while there is one. Times are UTC Unix seconds, here and below."""

    userId: str
    instanceId: str
    label: str
    host: str
    s3BucketName: str
    createdAt: int


class Choices(TypedDict):
    """What its member has chosen."""

    username: str  # as shown; label and host were made of it and stay
    foundryVersion: str
    licenseType: Literal["byol", "pooled"]
    allowLicenseSharing: bool
    operatorAccount: bool
    idleSeconds: NotRequired[int]
    imageTag: NotRequired[
        str
    ]  # the tag to start: the version, until the build that came of it is known


class Resources(TypedDict):
    """What it is made of in AWS: there from the end of its making until it is destroyed."""

    accessPointId: NotRequired[ReadOnly[str]]
    secretArn: NotRequired[ReadOnly[str]]
    taskDefinitionArn: NotRequired[ReadOnly[str]]
    taskDefinitionLicense: NotRequired[str]
    taskDefinitionTag: NotRequired[str]
    formerRevision: NotRequired[int]  # the first of those before it that may still have to go
    licenseId: NotRequired[str]  # of the member's own licence, with `licenseOwnerId`
    licenseOwnerId: NotRequired[str]
    licenseClaims: NotRequired[list[str]]  # the fingerprints of its keys: one, but while it changes


class Bookings(TypedDict):
    """Its member's sessions that have not been forgotten."""

    bookings: NotRequired[list[Booking]]
    bookingsVersion: NotRequired[int]


class PresentRun(TypedDict):
    """Its run, from the decision to start until ECS has said that its task is over: then all of these go."""

    runId: NotRequired[ReadOnly[str]]
    runKind: NotRequired[ReadOnly[Kind]]
    runLicense: NotRequired[ReadOnly[str]]  # of one that plays
    taskArn: NotRequired[ReadOnly[str]]  # once ECS has been asked for it
    upSince: NotRequired[ReadOnly[int]]  # once it was seen running
    address: NotRequired[str]
    routing: NotRequired[bool]  # whether there may be a route to it
    seenAt: NotRequired[int]
    idleSince: NotRequired[int]
    noticedAt: NotRequired[int]
    keepUntil: NotRequired[int]
    missingSince: NotRequired[int]  # while ECS shows nothing of its task
    stopAskedAt: NotRequired[int]  # once ECS has been asked to stop its task
    clean: NotRequired[bool]  # once Foundry was asked to close its world: whether it did
    idleProvenAt: NotRequired[int]  # when Foundry last said that nobody plays
    noticeId: NotRequired[str]  # of the notice of its stop, once that is under way
    endedBy: NotRequired[EndCause]  # once a stop is decided


class Work(TypedDict):
    """Who works on it (LOCK_FIELDS), and when the tick has to look at it: not there while it is at rest."""

    worker: NotRequired[str]
    workerUntil: NotRequired[int]
    due: NotRequired[str]
    dueAt: NotRequired[int]


class Instance(Identity, Choices, Resources, Bookings, PresentRun, Work):
    """A member's server in any state."""

    status: ReadOnly[InstanceStatus]
    statusSince: int
    lastStarted: NotRequired[int]
    foundryBuild: NotRequired[str]  # the newest that has run on its files
    reason: NotRequired[str]
    purged: NotRequired[bool]  # of one being destroyed: whether its files are erased
    emptied: NotRequired[bool]  # and whether all else is gone


class Complete(Instance):
    """One that is made, and not yet being destroyed."""

    accessPointId: Required[ReadOnly[str]]
    secretArn: Required[ReadOnly[str]]
    taskDefinitionArn: Required[ReadOnly[str]]


class Active(Instance):
    """One with a run."""

    runId: Required[ReadOnly[str]]
    runKind: Required[ReadOnly[Kind]]


class Running(Complete, Active):
    """One on which can be played."""

    upSince: Required[ReadOnly[int]]
    taskArn: Required[ReadOnly[str]]
    runLicense: Required[ReadOnly[str]]


def is_complete(instance: Instance) -> TypeIs[Complete]:
    """Whether the instance has all that it is made of."""
    return "taskDefinitionArn" in instance


def is_running(instance: Instance) -> TypeIs[Running]:
    """Whether the instance runs."""
    return instance["status"] == InstanceStatus.RUNNING


class Instances(Table):
    """Reads and conditional writes of instances."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "userId")

    def find(self, user_id: str) -> Instance | None:
        """The user's instance as it is now, or None. One consistent read."""
        return cast("Instance | None", self.get(user_id))

    def all(self) -> Iterator[Instance]:
        """Every instance, for repairing what was counted of them."""
        return (cast("Instance", item) for item in self.scan())

    def listed(self, limit: int, after: Position | None) -> tuple[list[Instance], Position | None]:
        """A page of all instances, in no order."""
        items, last = self.page(limit, after, full=True)
        return cast("list[Instance]", items), last

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
        """The operation that changes this very instance, never a later one of the same user.

        Raises ValueError for its status, which changes by `change_status` only.
        """
        if "status" in values:
            raise ValueError(
                "A status is written by actions/instances/transitions.py, which counts it."
            )
        return self.update(instance["userId"], self.is_same(instance) & when, values, remove)

    def change_status(
        self,
        instance: Instance,
        status: InstanceStatus,
        when: Condition,
        values: Mapping[str, Any],
        remove: Sequence[str] = (),
    ) -> Operation:
        """Like change, with its status: for actions/instances/transitions.py, which counts how many have which."""
        values = {**values, "status": status}
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

    def release(
        self, instance: Instance, lock_id: str, due_at: int, values: Mapping[str, Any]
    ) -> None:
        """Give the lock back with work unfinished, noting `values`: whoever repeats it, or the tick at `due_at`,
        carries on.
        """
        due = {"due": "instance", "dueAt": due_at, **values}
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
    return absent("worker") | Attr("workerUntil").lte(now) | Attr("worker").eq(lock_id)


def lock_fields(lock_id: str, now: int) -> dict[str, Any]:
    """What says that `lock_id` holds the lock from now on."""
    return {"worker": lock_id, "workerUntil": now + LOCK_SECONDS}


def is_locked(item: Mapping[str, Any] | Item, now: int) -> bool:
    """Whether somebody holds the lock on the instance at `now`."""
    return bool(item.get("workerUntil", 0) > now)


def booked_now(instance: Instance, now: int) -> Booking | None:
    """The booking of the member's session that is being prepared or played at `now`."""
    bookings = instance.get("bookings", [])
    return next((b for b in bookings if b["begins"] <= now < b["ends"]), None)
