"""The table of tenant functions: containers that members run beside their servers.

A member's partition holds, told apart by how `entry` begins: `fn:<name>` a function; `gone:<mark>` one that was
deleted, until its resources are gone and then for as long as records are kept; `job:<mark>:<job name>` an
invocation; and `tenant`, what the member uses of the quota, with the security group of all its tasks.

A function's record is the truth: what is asked for is written first, as another `generation`, and carried out by
who holds the lock until `applied` is that generation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from functools import reduce
from operator import and_
from typing import Any, Literal, NotRequired, TypedDict, cast

from services.dynamodb import Attr, Condition, ForeignPosition, Key, Operation, Position, absent
from services.locks import LockableTable

KEPT_SECONDS = (
    30 * 86400
)  # for which the record of a deleted function, and of an invocation, is kept
_TENANT = "tenant"
_LIVE, _GONE, _JOB = "fn:", "gone:", "job:"
_SERVICE = re.compile(r"fn-([A-Za-z0-9_]+)-([a-z0-9-]+)-([0-9a-f]{12})")
# What a deleted function's record has to say, so that nothing is left of it; whoever works on it notes such things.
_MADE_OF = (
    "functionId",
    "generation",
    "seen",
    "worker",
    "secretArn",
    "definition",
    "oldestRevision",
    "serviceAskedAt",
)
HeldBack = Literal["failing", "budget"]


class SeenTask(TypedDict):
    """A task of a function, as ECS last showed it. Times are UTC Unix seconds, here and below."""

    arn: str
    seenAt: int
    ending: NotRequired[bool]  # it is not to run any more
    missingSince: NotRequired[int]  # while ECS shows nothing of it
    missedAt: NotRequired[int]


class Event(TypedDict):
    """What subscribers are still to be told."""

    id: str
    kind: Literal["function.created", "function.updated", "function.deleted", "function.invoked"]
    at: int


class Wanted(TypedDict):
    """What the member asked for."""

    image: str
    replicas: int
    command: NotRequired[list[str]]
    env: dict[str, str]  # but for what is secret
    secretNames: list[str]  # the names of the variables whose values are in the secret
    cpu: int
    memory: int
    readOnly: bool


class Function(Wanted):
    """A member's function."""

    userId: str
    entry: str
    functionId: str
    name: str
    createdAt: int
    updatedAt: int
    generation: int
    applied: NotRequired[int]
    appliedAt: NotRequired[int]
    quietSince: NotRequired[int]  # since when the tick has seen that nothing runs, as is wanted
    shape: int  # the generation that last changed what its task definition says
    definition: NotRequired[str]  # the ARN of its present task definition
    definitionShape: NotRequired[int]
    oldestRevision: NotRequired[int]  # the first of its definitions that may be left
    secretArn: NotRequired[str]
    secretSizes: NotRequired[dict[str, int]]  # how many bytes each secret variable has
    secretMissing: NotRequired[int]  # the generation whose secret values have not been stored yet
    serviceAskedAt: NotRequired[int]
    deleteAskedAt: NotRequired[int]
    drainedAt: NotRequired[int]  # since when nothing of the service of a deleted one runs
    groupId: NotRequired[str]  # of a deleted one: the security group that is to go with it
    groupName: NotRequired[str]
    groupAskedAt: NotRequired[int]
    tasks: dict[str, SeenTask]
    seen: int  # how often what is known of its tasks has changed
    failures: int  # of its tasks in a row
    reason: NotRequired[str]  # why the last one failed
    heldBack: NotRequired[HeldBack]  # why nothing of it is to run for now
    noticedAt: NotRequired[int]
    invokedAt: NotRequired[int]
    events: list[Event]
    worker: NotRequired[str]
    workerUntil: NotRequired[int]
    due: NotRequired[str]
    dueAt: NotRequired[int]
    deletedAt: NotRequired[int]
    expiresAt: NotRequired[int]


class Job(TypedDict):
    """An invocation: its image run once, with an input."""

    userId: str
    entry: str
    functionId: str
    functionName: str
    jobName: str
    runId: str
    status: Literal["pending", "running", "completed", "failed"]
    cpu: int
    memory: int
    requestedAt: int
    startedAt: NotRequired[int]
    finishedAt: NotRequired[int]
    exitCode: NotRequired[int]
    cost: NotRequired[Decimal]
    reason: NotRequired[str]
    taskArn: NotRequired[str]
    seenAt: NotRequired[int]
    missingSince: NotRequired[int]  # while ECS shows nothing of its task
    missedAt: NotRequired[int]  # at the last look that showed nothing
    events: list[Event]
    due: NotRequired[str]
    dueAt: NotRequired[int]
    expiresAt: int


class Tenant(TypedDict):
    """What a member's functions, and invocations under way, use: replicas, CPU units (1024 a vCPU), MiB."""

    userId: str
    functions: int
    replicas: int
    cpu: int
    memory: int
    groupName: str
    groupId: NotRequired[str]
    groupAskedAt: NotRequired[int]


Amounts = Mapping[str, int]


class TenantFunctions(LockableTable[Function]):
    """Reads and conditional writes of functions and of what tenants use."""

    due = "function"

    def __init__(self, name: str) -> None:
        super().__init__(name, "userId", "entry")

    def find(self, user_id: str, name: str) -> Function | None:
        """The member's function of that name, or None. One consistent read."""
        return cast("Function | None", self.get((user_id, _LIVE + name)))

    def find_entry(self, user_id: str, entry: str) -> Function | None:
        """The function, live or deleted, that is kept there."""
        return cast("Function | None", self.get((user_id, entry)))

    def of_service(self, service: str) -> Function | None:
        """The function, live or deleted, whose ECS service has that name."""
        found = _SERVICE.fullmatch(service)
        if found is None:
            return None
        user_id, name, mark = _unescaped(found[1]), found[2], found[3]
        live = self.find(user_id, name)
        if live and mark_of(live) == mark:
            return live
        return self.find_entry(user_id, _GONE + mark)

    def listed(self, user_id: str) -> list[Function]:
        """All functions of a member, by name. A consistent read for each megabyte."""
        key = Key("userId").eq(user_id) & Key("entry").begins_with(_LIVE)
        return [cast("Function", item) for item in self.query(None, key)]

    def everything(self) -> tuple[list[Function], list[Tenant]]:
        """All live functions and all tenants: a read for each megabyte of the whole table."""
        items = list(self.scan())
        functions = [cast("Function", item) for item in items if item["entry"].startswith(_LIVE)]
        return functions, [cast("Tenant", item) for item in items if item["entry"] == _TENANT]

    def due_keys(self, now: int) -> Iterator[tuple[str, str]]:
        """The keys of functions that want attention at `now`, longest due first. The index may lag."""
        wanted = Key("due").eq(self.due) & Key("dueAt").lte(now)
        return ((i["userId"], i["entry"]) for i in self.query("DueIndex", wanted))

    def find_job(self, user_id: str, entry: str) -> Job | None:
        """The invocation that is kept there, or None."""
        return cast("Job | None", self.get((user_id, entry)))

    def open_jobs(self, function: Function) -> list[Job]:
        """The function's invocations that are not over."""
        key = Key("userId").eq(function["userId"]) & Key("entry").begins_with(_jobs_of(function))
        return [cast("Job", item) for item in self.query(None, key) if "finishedAt" not in item]

    def jobs(
        self, function: Function, limit: int, after: Position | None
    ) -> tuple[list[Job], Position | None]:
        """A page of the function's invocations, the latest first. Raises ForeignPosition."""
        if after and not after.get("entry", "").startswith(_jobs_of(function)):
            raise ForeignPosition
        begins = Key("entry").begins_with(_jobs_of(function))
        of = ("userId", function["userId"])
        items, last = self.page(limit, after, of=of, where=begins, descending=True)
        return cast("list[Job]", items), last

    def begin_job(self, job: Job) -> Operation:
        """The operation that records an invocation; refused if there is one of that name."""
        return self.put(job, absent("entry"))

    def change_job(
        self, job: Job, values: Mapping[str, Any], remove: Sequence[str] = ()
    ) -> Operation:
        """The operation that changes an invocation that is not over."""
        same = Attr("runId").eq(job["runId"]) & absent("finishedAt")
        return self.update((job["userId"], job["entry"]), same, values, remove)

    def begin(self, function: Function) -> Operation:
        """The operation that records a new function; refused if the member has one of that name."""
        return self.put(function, absent("entry"))

    def change(
        self,
        item: Function,
        when: Condition,
        values: Mapping[str, Any],
        remove: Sequence[str] = (),
    ) -> Operation:
        """The operation that changes this very function, never a later one of the same name."""
        same = Attr("functionId").eq(item["functionId"])
        return self.update((item["userId"], item["entry"]), same & when, values, remove)

    def bury(self, function: Function, now: int, values: Mapping[str, Any]) -> list[Operation]:
        """The operations by which a function, still as it was read, is a deleted one and its name free."""
        as_read = reduce(and_, (_is_as_read(function, name) for name in _MADE_OF))
        gone = {**function, "entry": gone_entry(function), "deletedAt": now, **values}
        return [self.delete((function["userId"], function["entry"]), as_read), self.put(gone)]

    def tenant(self, user_id: str) -> Tenant | None:
        """What the member uses, or None of who has no function. One consistent read."""
        return cast("Tenant | None", self.get((user_id, _TENANT)))

    def claim(
        self, user_id: str, amounts: Amounts, allowed: Amounts, group_name: str | None
    ) -> Operation:
        """The operation that adds to what the member uses; refused if that is more than allowed of something.

        `group_name` is a new tenant's; it is refused if there is one by now, and without a name if there is none.
        """
        when = absent("groupName") if group_name else Attr("groupName").exists()
        for what, amount in amounts.items():
            if amount > 0:
                free = absent(what) | Attr(what).lte(allowed[what] - amount)
                when = when & free
        values = {"groupName": group_name} if group_name else {}
        return self.update((user_id, _TENANT), when, values, add=amounts)

    def give_back(self, user_id: str, amounts: Amounts) -> Operation:
        """The operation that takes from what the member uses."""
        less = {what: -amount for what, amount in amounts.items()}
        return self.update((user_id, _TENANT), Attr("groupName").exists(), {}, add=less)

    def note_group(self, tenant: Tenant, values: Mapping[str, Any]) -> Operation:
        """The operation that notes of the tenant's security group what is known of it."""
        same = Attr("groupName").eq(tenant["groupName"])
        return self.update((tenant["userId"], _TENANT), same, values)

    def forget_tenant(self, tenant: Tenant) -> Operation:
        """The operation that forgets a tenant; refused if it has a function or an invocation by now."""
        same = Attr("groupName").eq(tenant["groupName"])
        idle = Attr("functions").eq(0) & Attr("replicas").eq(0)
        return self.delete((tenant["userId"], _TENANT), same & idle)


def _is_as_read(item: Mapping[str, Any], name: str) -> Condition:
    return Attr(name).eq(item[name]) if name in item else absent(name)


def live_entry(name: str) -> str:
    """Where a function of that name is kept."""
    return _LIVE + name


def gone_entry(function: Function) -> str:
    """Where the function is kept once it is deleted."""
    return _GONE + mark_of(function)


def job_entry(function: Function, job_name: str) -> str:
    """Where an invocation of that name is kept."""
    return _jobs_of(function) + job_name


def _jobs_of(function: Function) -> str:
    return f"{_JOB}{mark_of(function)}:"


def is_job(entry: str) -> bool:
    """Whether an invocation is kept there."""
    return entry.startswith(_JOB)


def is_deleted(function: Function) -> bool:
    """Whether the member has deleted it."""
    return function["entry"].startswith(_GONE)


def mark_of(function: Function) -> str:
    """What tells the names of its resources from all others': 12 hexadecimal digits of its id."""
    return function["functionId"][-12:]


def resource_name(function: Function) -> str:
    """The name, without the stack's, of its secret and of its log streams' prefix."""
    return f"fn-{mark_of(function)}"


def service_name(function: Function) -> str:
    """The name of its ECS service, which says whose it is: an event of ECS names nothing else."""
    return f"fn-{_escaped(function['userId'])}-{function['name']}-{mark_of(function)}"


def _escaped(user_id: str) -> str:
    """The id in letters, digits and `_xx` (ECS takes no other but "-", which parts the name)."""
    return re.sub(r"[^A-Za-z0-9]", lambda found: f"_{ord(found[0]):02x}", user_id)


def _unescaped(text: str) -> str:
    return re.sub(r"_([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), text)
