"""The invariants of members' functions, as far as they can be seen in what is stored and what exists in AWS."""

from __future__ import annotations

from typing import Any

from tests import world
from tests.fargate import leftovers
from tests.lagging import services
from tests.model import emulated
from tests.model.emulated import Item
from tests.model.functions_cluster import CRASHING, MISSING

_SETTLED_SECONDS, _REMEMBERED_SECONDS = 1800, 4500


class Functions:
    """What there is of functions at one moment."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.items = emulated.items("functions")
        self.functions = [item for item in self.items if "generation" in item]
        self.live = [item for item in self.functions if "deletedAt" not in item]
        self.gone = [item for item in self.functions if "deletedAt" in item]
        self.jobs = {item["runId"]: item for item in self.items if "jobName" in item}
        self.tenants = [item for item in self.items if item["entry"] == "tenant"]
        self.known = {task: f for f in self.functions for task in f["tasks"]}
        tasks = emulated.tasks(services.FUNCTIONS)
        self.alive = [task for task in tasks if task.last_status != "STOPPED"]
        self.services = [s for s in emulated.services() if s.status != "INACTIVE"]


def one_service_each(seen: Functions) -> None:
    """No function has two services, and each service is one's that there is, or that is being deleted."""
    marks = [service.name[-12:] for service in seen.services]
    assert len(marks) == len(set(marks)), "two services of one function"
    known = {_mark(f) for f in [*seen.live, *(gone for gone in seen.gone if "due" in gone)]}
    assert set(marks) <= known, "a service of nobody's"


def as_many_as_asked_for(seen: Functions) -> None:
    """Of what is carried out, ECS is to run as many as are wanted, of the newest definition, no others."""
    by_mark = {service.name[-12:]: service for service in seen.services}
    for function in seen.live:
        service = by_mark.get(_mark(function))
        if function.get("applied") != function["generation"] or "definition" not in function:
            continue
        assert service is not None, f"no service: {function}"
        wanted = 0 if "heldBack" in function else function["replicas"]
        assert (service.status, service.desired_count) == ("ACTIVE", wanted), function
        if not function.get("secretMissing"):
            assert service.task_definition == function["definition"]
            assert function["definitionShape"] == function["shape"]


def nothing_is_left_of_what_is_gone(seen: Functions) -> None:
    """Of a deleted function that nobody looks after any more, there is nothing but the record."""
    left = " ".join(leftovers())
    for function in seen.gone:
        assert "due" in function or _mark(function) not in left, f"{function} has left {left}"
        group = function.get("groupName")
        assert "due" in function or not group or group not in left, f"{function} has left {left}"
    for job in seen.jobs.values():
        assert "due" in job or "finishedAt" in job, f"nobody will look after {job}"
    for function in seen.live:
        is_at_rest = function["replicas"] == 0 or "heldBack" in function
        is_at_rest |= "definition" not in function and bool(function.get("secretMissing"))
        assert "due" in function or is_at_rest, f"nobody will look after {function}"


def groups_are_tenants(seen: Functions) -> None:
    """Each security group is a tenant's, or goes with a deleted function; those that services name are there."""
    named = {item["groupName"] for item in [*seen.tenants, *seen.gone] if "groupName" in item}
    groups = {group.id: group.name for group in emulated.security_groups()}
    ours = {name for name in groups.values() if name.startswith(f"{world.STACK}/")}
    assert ours <= named, "a security group of nobody's"
    for service in seen.services:
        if service.status == "ACTIVE":
            placed = service.played[-1].network["awsvpcConfiguration"]
            assert set(placed["securityGroups"]) <= groups.keys(), "a service without its group"


def is_known(seen: Functions, run: Item) -> bool:
    """Whether an open run is one that a function, or an invocation, knows of."""
    job = seen.jobs.get(run["runId"])
    return run["runId"] in seen.known or (job is not None and "finishedAt" not in job)


def nothing_is_stuck(seen: Functions) -> None:
    """An hour after the last disturbance all functions are as asked for, but for what began within it."""
    for function in seen.functions:
        if "worker" in function:
            assert function["workerUntil"] > seen.now - 600, f"somebody works on it: {function}"
    for job in seen.jobs.values():
        begun = seen.now - job["requestedAt"] <= _SETTLED_SECONDS
        seen_last = max(job.get("seenAt", 0), job["requestedAt"])
        assert "finishedAt" in job or begun or _is_remembered(seen, seen_last, job), job
    for function in seen.gone:
        begun = seen.now - function["deletedAt"] <= _SETTLED_SECONDS
        waits = any(_is_remembered(seen, t["seenAt"], t) for t in function["tasks"].values())
        waits |= any(
            "finishedAt" not in job
            for job in seen.jobs.values()
            if job["functionId"] == function["functionId"]
        )
        assert "due" not in function or begun or waits, f"stuck: {function}"
    for function in seen.live:
        _is_as_asked_for(seen, function)


def _is_remembered(seen: Functions, at: int, what: Any) -> bool:
    """What ECS shows no more is given up when it must have forgotten it."""
    return seen.now - at <= _REMEMBERED_SECONDS


def _is_as_asked_for(seen: Functions, function: Item) -> None:
    assert function.get("applied") == function["generation"], f"stuck: {function}"
    if seen.now - function["updatedAt"] <= _SETTLED_SECONDS or "definition" not in function:
        return
    is_bad = function["image"] in (CRASHING, MISSING)
    running = {
        task.id
        for task in seen.alive
        if task.group.endswith(_mark(function)) and task.last_status == "RUNNING"
    }
    if is_bad or "heldBack" in function or function.get("secretMissing"):
        return
    assert len(running) == function["replicas"], function
    known = {i for i, t in function["tasks"].items() if "ending" not in t}
    assert running <= known, f"tasks that nobody knows of: {function}"


def all_is_over(seen: Functions) -> None:
    """When all functions were deleted long ago, there is nothing left but records."""
    assert leftovers() == []
    assert not seen.live
    assert not seen.tenants
    assert not [item for item in seen.items if "due" in item or "worker" in item]


def _mark(function: Item) -> str:
    return str(function["functionId"][-12:])
