"""Undoing a deleted function until nothing is left but its record, which is kept for a month."""

from __future__ import annotations

from actions.functions.locking import FunctionLock
from actions.functions.telling import tell_of_function
from actions.instances.ending import CONSISTENCY_SECONDS
from services import clock
from services.dynamodb import ConditionFailed, transact
from services.ecs import revision_of
from services.ecs_services import Look
from services.locks import LOCK_FIELDS
from services.tenant_functions import KEPT_SECONDS, resource_name, service_name

_LOOK_AGAIN_SECONDS = 60
_OF_THE_WORK = (*LOCK_FIELDS, "due", "dueAt")


def tear_down(lock: FunctionLock, look: Look | None = None) -> bool:
    """Go as far towards nothing as can be gone now; True when nothing is left. The lock is given back.

    `look` is what ECS has just shown of all tasks, each of which was observed.
    """
    with lock:
        lock.pause(_LOOK_AGAIN_SECONDS)
        if lock.item["events"]:
            tell_of_function(lock.platform, lock.item)
            lock.note({"events": []})
        if not _are_jobs_over(lock) or not _is_service_gone(lock) or lock.item["tasks"]:
            return False
        platform, function = lock.platform, lock.item
        noted = revision_of(function["definition"]) if "definition" in function else 0
        platform.ecs.retire_all(resource_name(function), function.get("oldestRevision", 1), noted)
        platform.secrets.delete(resource_name(function))
        if not platform.task_logs.delete(resource_name(function)):
            lock.pause(0)
            return False
        if not _is_group_gone(lock) or not _is_all_billed(lock, look):
            return False
        table, now = platform.tenant_functions, clock.now()
        kept = {"expiresAt": now + KEPT_SECONDS}
        lock.finish(table.change(lock.item, lock.held, kept, _OF_THE_WORK))
        return True


def _are_jobs_over(lock: FunctionLock) -> bool:
    """Whether no invocation is under way; those that are have to stop."""
    open_jobs = lock.platform.tenant_functions.open_jobs(lock.item)
    for job in open_jobs:
        if "taskArn" in job:
            lock.platform.ecs_services.stop_task(job["taskArn"], "Its function is deleted")
    return not open_jobs


def _is_service_gone(lock: FunctionLock) -> bool:
    """Whether ECS runs nothing of the function any more, and never will.

    It is eventually consistent: what it does not show is not there only after some minutes.
    """
    function, services, now = lock.item, lock.platform.ecs_services, clock.now()
    if "serviceAskedAt" not in function:
        return True
    name = service_name(function)
    if "deleteAskedAt" not in function:
        if not services.delete(name):
            return now - function["serviceAskedAt"] >= CONSISTENCY_SECONDS
        lock.note({"deleteAskedAt": now})
    status = services.status(name)
    if status == "ACTIVE":
        services.delete(name)
    if status is None:
        return now - lock.item["deleteAskedAt"] >= CONSISTENCY_SECONDS
    return status == "INACTIVE"


def _is_all_billed(lock: FunctionLock, look: Look | None) -> bool:
    """Whether ECS has had the time to show each task that there was, if no event of it has come."""
    function, now = lock.item, clock.now()
    if "serviceAskedAt" not in function:
        return True
    if look is None or look.unknown:
        return False
    if "drainedAt" not in function:
        lock.note({"drainedAt": now})
    left = lock.item["drainedAt"] + CONSISTENCY_SECONDS - now
    lock.pause(max(left, 0))
    return left <= 0


def _is_group_gone(lock: FunctionLock) -> bool:
    """Whether the tenant's security group is gone, or still somebody's who has a function."""
    if "groupName" not in lock.item:
        _take_group_along(lock)
    function, groups, now = lock.item, lock.platform.security_groups, clock.now()
    if "groupName" not in function or "groupAskedAt" not in function:
        return True
    group_id = function.get("groupId") or groups.find(function["groupName"])
    if group_id is None:
        return now - function["groupAskedAt"] >= CONSISTENCY_SECONDS
    return groups.delete(group_id)


def _take_group_along(lock: FunctionLock) -> None:
    """Forget the tenant if this was its last function: then its group goes with the function."""
    table, function = lock.platform.tenant_functions, lock.item
    tenant = table.tenant(function["userId"])
    if tenant is None or tenant["functions"] or tenant["replicas"]:
        return
    of_group = ("groupName", "groupId", "groupAskedAt")
    group = {name: tenant[name] for name in of_group if name in tenant}  # type: ignore[literal-required]
    try:
        transact(table.forget_tenant(tenant), table.change(function, lock.held, group))
    except ConditionFailed as refused:
        if 1 in refused.failed:
            raise
        return  # it has a function again
    lock.item = {**function, **group}  # type: ignore[typeddict-item]
