"""A function as its member sees it: what was asked for, and what runs of it."""

from __future__ import annotations

from enum import StrEnum

from actions.action import Answer
from actions.functions.errors import namespace_of
from actions.functions.forms import HIDDEN
from services.tenant_functions import Function

_SECRETS_LOST = "Its secret values did not arrive; send them again by changing its env."
_BUDGET = "The month's budget is spent; it goes on when a donation comes, or with the next month."


class Status(StrEnum):
    """The contract's words for what runs of a function."""

    PENDING = "Pending"
    RUNNING = "Running"
    FAILED = "Failed"
    STOPPED = "Stopped"


def available(function: Function) -> int:
    """How many of its replicas run."""
    return sum("ending" not in task for task in function["tasks"].values())


def status_of(function: Function) -> Status:
    """What the function's status is, by what runs of it."""
    if available(function):
        return Status.RUNNING
    if function["replicas"] == 0 or function.get("heldBack") == "budget":
        return Status.STOPPED
    if function["failures"] or function.get("secretMissing"):
        return Status.FAILED
    return Status.PENDING


def shown(function: Function) -> Answer:
    """The function, as answers show it. Values that are secret stay hidden."""
    hidden = dict.fromkeys(function["secretNames"], HIDDEN)
    env = {**function["env"], **hidden}
    return {**in_short(function), "command": function.get("command", []), "env": env}


def in_short(function: Function) -> Answer:
    """The function, as lists show it: without command and environment, which may be long."""
    status = status_of(function)
    answer: Answer = {
        "id": function["functionId"],
        "userId": function["userId"],
        "name": function["name"],
        "namespace": namespace_of(function["userId"]),
        "image": function["image"],
        "replicas": function["replicas"],
        "cpu": function["cpu"],
        "memory": function["memory"],
        "readOnly": function["readOnly"],
        "status": status,
        "availableReplicas": available(function),
        "createdAt": function["createdAt"],
        "updatedAt": function["updatedAt"],
    }
    if why := _why(function, status):
        answer["reason"] = why
    return answer


def _why(function: Function, status: Status) -> str | None:
    if function.get("heldBack") == "budget" and status == Status.STOPPED:
        return _BUDGET
    if function.get("secretMissing"):  # of what runs, too: it is not what was asked for
        return _SECRETS_LOST
    if status == Status.RUNNING:
        return None
    return function.get("reason")
