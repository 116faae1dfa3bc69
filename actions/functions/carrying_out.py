"""From what was asked for to what ECS keeps running: secret, task definition, security group, service.

Each step can be repeated. What a request changes meanwhile is another generation, and is carried out by the same
worker: whoever holds the lock goes on until nothing is left to do.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from actions.functions.definition import definition
from actions.functions.locking import FunctionLock, left_to_the_tick, lock_function
from actions.functions.telling import tell_of_function
from actions.instances.ending import look_within
from services import clock
from services.concurrency import concurrently
from services.dynamodb import Attr, ConditionFailed
from services.ecs import revision_of
from services.errors import TaskRefused, Unfinished
from services.locks import LOCK_FIELDS
from services.platform import Platform
from services.tenant_functions import Function, resource_name, service_name

_REFUSED = "AWS does not take it as it is; change it, or tell the operator."
_REFUSED_SECONDS = (
    3600  # after which it is asked again, since the operator may have changed something
)
ARRIVAL_SECONDS = 120  # how long tasks may take before the tick has a look


@dataclass(frozen=True)
class Sent:
    """The values of secret variables that came with the request of that generation: they are nowhere else."""

    generation: int
    values: Mapping[str, str]


def carry_out_soon(platform: Platform, function: Function) -> None:
    """Carry out what is asked for, if nobody else does so now; what AWS refuses is left to the tick."""
    with left_to_the_tick():
        carry_out(lock_function(platform, function))


def carry_out(lock: FunctionLock, sent: Sent | None = None) -> None:
    """Bring ECS to what the locked function asks for, with what was `sent`; the lock is given back."""
    with lock:
        if sent:
            _keep_secrets(lock, sent)
        try:
            while not _is_carried_out(lock):
                pass
        except TaskRefused:
            lock.note({"failures": max(lock.item["failures"], 1), "reason": _REFUSED})
            lock.pause(next_look(lock.item, _REFUSED_SECONDS))


def next_look(function: Function, pause: int) -> int:
    """After how many seconds the tick is to look: `pause`, or at its next turn while ECS leaves out a task."""
    return min((look_within(seen, pause) for seen in function["tasks"].values()), default=pause)


def _keep_secrets(lock: FunctionLock, sent: Sent) -> None:
    """Store the values of all secret variables; those of a former request that are still named stay.

    Of one that a later request has overtaken nothing is stored in place of what came later. What is still missing
    then, the later one's or one that never came, goes on being so.
    """
    function = lock.item
    if not function.get("secretMissing"):
        return
    name, wanted = resource_name(function), set(function["secretNames"])
    known = {} if wanted <= sent.values.keys() else lock.platform.secrets.read_own(name)
    values = {n: v for n, v in {**known, **sent.values}.items() if n in wanted}
    if not values:
        return
    if arn := function.get("secretArn"):
        lock.platform.secrets.replace(name, values)
    else:
        arn = lock.platform.secrets.make(name, values)
    is_all = function["secretMissing"] == sent.generation and values.keys() == wanted
    lock.note({"secretArn": arn} | ({"secretMissing": 0} if is_all else {}))


def _is_carried_out(lock: FunctionLock) -> bool:
    """One round; False if there is another generation by now."""
    function, platform = lock.item, lock.platform
    is_new = "definition" not in function
    keep = (lambda: None) if is_new and function.get("secretMissing") else _prepared(lock)
    concurrently(keep, partial(tell_of_function, platform, function))
    if "definition" in lock.item:
        _retire_former(lock)
    return _finish(lock, function["generation"])


def _prepared(lock: FunctionLock) -> Callable[[], None]:
    """What has ECS keep the function running, once all that it needs is there and noted."""
    function, platform = lock.item, lock.platform
    arn, group = concurrently(
        partial(_present_definition, platform, function),
        partial(security_group, platform, function["userId"]),
    )
    is_new = "serviceAskedAt" not in function
    # Noted before a service is asked for: whoever deletes the function knows that there may be one.
    found: dict[str, Any] = {"serviceAskedAt": clock.now()} if is_new else {}
    if arn != function.get("definition"):
        found |= {"definition": arn, "definitionShape": function["shape"]}
    if found:
        lock.note(found)
    count = 0 if "heldBack" in function else function["replicas"]
    name, token = service_name(function), function["functionId"]
    return partial(platform.ecs_services.keep, name, token, arn, count, group, is_new=is_new)


def _present_definition(platform: Platform, function: Function) -> str:
    """The ARN of the definition that says what the function asks for, registered unless it is.

    While values of secret variables are missing, what runs goes on with the former one, as many as are wanted.
    """
    if function.get("definitionShape") == function["shape"] or function.get("secretMissing"):
        return function["definition"]
    return platform.ecs.register(definition(function, platform.settings))


def security_group(platform: Platform, user_id: str) -> str:
    """The id of the tenant's security group, made unless it is. Raises Unfinished if EC2 does not show it yet."""
    table = platform.tenant_functions
    tenant = table.tenant(user_id)
    if tenant is None:
        raise Unfinished  # its last function is being deleted at this moment
    if "groupId" in tenant:
        return tenant["groupId"]
    # Each time: whoever deletes the tenant waits for so long until what EC2 does not show is not there.
    table.apply_update(table.note_group(tenant, {"groupAskedAt": clock.now()}))
    group_id = platform.security_groups.make(tenant["groupName"])
    table.apply_update(table.note_group(tenant, {"groupId": group_id}))
    return group_id


def _retire_former(lock: FunctionLock) -> None:
    """Delete the definitions before the present one: tasks that still run on them go on (DeleteTaskDefinitions)."""
    oldest, present = lock.item.get("oldestRevision", 1), revision_of(lock.item["definition"])
    if oldest < present:
        lock.platform.ecs.retire(resource_name(lock.item), oldest, present)
        lock.note({"oldestRevision": present})


def _finish(lock: FunctionLock, generation: int) -> bool:
    """Give the lock back if what was carried out is still what is asked for; else read what is."""
    table, function = lock.platform.tenant_functions, lock.item
    same = lock.held & Attr("generation").eq(generation)
    now = clock.now()
    values = {"applied": generation, "appliedAt": now, "events": []}
    values |= {"due": table.due, "dueAt": now + ARRIVAL_SECONDS}
    try:
        lock.finish(table.change(function, same, values, LOCK_FIELDS))
    except ConditionFailed:
        found = table.find_entry(function["userId"], function["entry"])
        if found is None or found.get("worker") != lock.lock_id:
            raise  # it was deleted meanwhile
        lock.item = found
        return False
    return True
