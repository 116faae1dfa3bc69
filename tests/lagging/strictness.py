"""What the real ECS insists on and the emulator does not. Always in force.

* RunTask's client token (AWS, Amazon ECS API Reference, "Ensuring idempotency"): repeated with the same
  arguments it answers as the first time, with others it is refused and names the task, for the shorter of 24
  hours and the task's life plus an hour; in each cluster for itself.
* RunTask's size is one that Fargate has, and its containers' memory fits into it.
* ListTasks: `startedBy` must be the only filter, and without `desiredStatus` only tasks that are wanted RUNNING
  are listed (its reference). It lists the tasks of the cluster, the service and the family asked, where the
  emulator takes clusters whose names contain its, and all services'.
* StopTask says of a task that it does not know that it was not found.
* DescribeTasks names as MISSING what it does not know of its cluster, and says how large a service's task is.
* Names and tags hold only what each service lets them (tests/lagging/spelling.py).
* ChangeResourceRecordSets creates no record where there is one of that name and type, or a CNAME.
"""

from __future__ import annotations

import copy
import time
from dataclasses import dataclass
from typing import Any

from tests.lagging.spelling import misspelled
from tests.model import emulated

_DAY, _AFTER_ITS_END = 24 * 3600, 3600  # seconds
_GB_OF = {512: (1, 4), 1024: (2, 8), 2048: (4, 16), 4096: (8, 30)}  # of CPU units
_FILTERS = ("containerInstance", "family", "serviceName", "desiredStatus", "launchType")
Parameters = dict[str, Any]


@dataclass
class Said:
    """The HTTP side of an answer that is given here."""

    status_code: int


Reply = tuple[Said, dict[str, Any]]


@dataclass
class _Taken:
    """A client token in use."""

    at: float
    asked: Parameters
    answer: dict[str, Any]


class Strictness:
    """What ECS remembers of RunTask."""

    def __init__(self) -> None:
        self._tokens: dict[tuple[str, str], _Taken] = {}

    def forget(self) -> None:
        """A fresh ECS."""
        self._tokens.clear()

    def before(self, name: str, asked: Parameters) -> Reply | None:
        """AWS's own answer to a call, where the emulator's would be another."""
        if wrong := misspelled(name, asked):
            return refusal("ValidationException", f"{wrong} is not allowed.")
        if name == "ecs.ListTasks" and "startedBy" in asked and any(f in asked for f in _FILTERS):
            return refusal("InvalidParameterException", "startedBy must be the only filter.")
        if name == "ecs.StopTask" and asked["task"] not in _arns(asked):
            return refusal("InvalidParameterException", "The referenced task was not found.")
        if name == "route53.ChangeResourceRecordSets" and (there := _in_the_way(asked)):
            return refusal("InvalidChangeBatch", f"[Tried to create {there} but it already exists]")
        if name == "ecs.RunTask" and (wrong := _no_size(asked)):
            return refusal("ClientException", wrong)
        if name == "ecs.RunTask" and (taken := self._known(_token(asked))):
            if taken.asked == _arguments(asked):
                return Said(200), copy.deepcopy(taken.answer)
            arns = [task["taskArn"] for task in taken.answer["tasks"]]
            return refusal("ConflictException", "The client token is in use.", resourceIds=arns)
        return None

    def after(self, name: str, asked: Parameters, answer: dict[str, Any]) -> None:
        """Take up, and complete, what the emulator has answered."""
        if name == "ecs.RunTask" and answer["tasks"]:
            _resize(asked, answer)
        if name == "ecs.RunTask" and answer["tasks"] and not self._known(_token(asked)):
            kept = _Taken(time.time(), copy.deepcopy(_arguments(asked)), copy.deepcopy(answer))
            self._tokens[_token(asked)] = kept
        if name == "ecs.ListTasks":
            wanted = asked.get("desiredStatus", "RUNNING")
            answer["taskArns"] = [t.task_arn for t in selected(asked) if t.desired_status == wanted]
        if name == "ecs.DescribeTasks":
            arns = _arns(asked)
            answer["tasks"] = [task for task in answer["tasks"] if task["taskArn"] in arns]
            known = {task["taskArn"] for task in answer["tasks"]}
            answer["failures"] = [missing(arn) for arn in asked["tasks"] if arn not in known]

    def _known(self, token: tuple[str, str]) -> _Taken | None:
        taken = self._tokens.get(token)
        if taken is None or time.time() > taken.at + _DAY:
            return None
        arn = taken.answer["tasks"][0]["taskArn"]
        task = next((task for task in emulated.tasks(token[0]) if task.task_arn == arn), None)
        ended = getattr(task, "stopped_at", None)
        if task is None or (ended and time.time() > ended.timestamp() + _AFTER_ITS_END):
            return None
        return taken


def _no_size(asked: Parameters) -> str:
    """What is wrong with the size that a task is to have instead of its definition's."""
    overrides = asked.get("overrides", {})
    if "memory" not in overrides:
        return ""
    cpu, memory = int(overrides["cpu"]), int(overrides["memory"])
    least, most = _GB_OF[cpu]
    containers = sum(c.get("memory", 0) for c in overrides.get("containerOverrides", []))
    if memory % 1024 or not least <= memory // 1024 <= most:
        return "No Fargate configuration exists for given values."
    return "Invalid setting for container memory." if containers > memory else ""


def _resize(asked: Parameters, answer: dict[str, Any]) -> None:
    """The emulator's tasks have no size but their definition's."""
    if "memory" not in (overrides := asked.get("overrides", {})):
        return
    arns = {task["taskArn"] for task in answer["tasks"]}
    for task in emulated.tasks(_cluster(asked)):
        if task.task_arn in arns:
            task.cpu, task.memory = overrides["cpu"], overrides["memory"]


def _in_the_way(asked: Parameters) -> str | None:
    """The name of a record that is there already and is to be created."""
    emulated.free_names()
    there = emulated.records()
    for change in asked["ChangeBatch"]["Changes"]:
        wanted = change["ResourceRecordSet"]
        name = wanted["Name"].rstrip(".")
        if change["Action"] == "CREATE" and {(name, wanted["Type"]), (name, "CNAME")} & there:
            return name
    return None


def refusal(code: str, message: str, status: int = 400, **more: Any) -> Reply:
    """An error as AWS answers it, after botocore's own tries."""
    error = {"Error": {"Code": code, "Message": message}}
    return Said(status), error | {"ResponseMetadata": {"HTTPStatusCode": status}} | more


def selected(asked: Parameters) -> list[Any]:
    """The tasks that ListTasks selects by what does not change in a task's life."""
    group = f"service:{asked.get('serviceName', '').split('/')[-1]}"
    return [
        task
        for task in emulated.tasks(_cluster(asked))
        if asked.get("startedBy", task.started_by) == task.started_by
        and ("serviceName" not in asked or task.group == group)
        and asked.get("family", _family(task)) == _family(task)
    ]


def _family(task: Any) -> str:
    return str(task.task_definition_arn).split("/")[-1].split(":")[0]


def _cluster(asked: Parameters) -> str:
    return str(asked.get("cluster", "default")).split("/")[-1]


def _token(asked: Parameters) -> tuple[str, str]:
    return _cluster(asked), asked["clientToken"]


def _arns(asked: Parameters) -> set[str]:
    return {task.task_arn for task in emulated.tasks(_cluster(asked))}


def missing(arn: str) -> dict[str, str]:
    """What DescribeTasks says of a task that it does not know."""
    return {"arn": arn, "reason": "MISSING"}


def _arguments(asked: Parameters) -> Parameters:
    return {name: value for name, value in asked.items() if name != "clientToken"}
