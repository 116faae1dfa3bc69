"""Answers of ECS, EC2, the load balancer and DynamoDB's indexes, as they may be while AWS lags."""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random
from typing import Any

from tests import world
from tests.lagging import services
from tests.lagging.lag import ECS_SECONDS, INDEX_SECONDS, LAG
from tests.lagging.past import PAST, of_container, shown
from tests.lagging.strictness import missing, selected
from tests.model import emulated

Asked = dict[str, Any]
Answer = dict[str, Any]

_WRITES = ("Put", "Update", "Delete")
_COMPARED = re.compile(r"(#\w+) (=|<=|>=|<|>) (:\w+)")
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": lambda a, b: bool(a == b),
    "<=": lambda a, b: bool(a <= b),
    ">=": lambda a, b: bool(a >= b),
    "<": lambda a, b: bool(a < b),
    ">": lambda a, b: bool(a > b),
}


def note_before(name: str, asked: Asked) -> None:
    """Keep what a call is about to change, as it was until now."""
    if name == "ecs.StopTask":
        for task in emulated.all_tasks():
            if task.task_arn == asked["task"]:
                PAST.note(task.task_arn, shown(task))
    if name in ("ecs.UpdateService", "ecs.DeleteService"):
        service = services.named(asked.get("cluster", "default"), asked["service"])
        PAST.note(service.arn, services.shown(service))
    for table, key in _written(name, asked):
        PAST.note((table, key), emulated.stored(table, key))


def note_after(name: str, asked: Asked, answer: Answer) -> None:
    """Keep that what a call has made was not there before."""
    if name == "ecs.RunTask":
        for task in answer["tasks"]:
            PAST.note(task["taskArn"], None)
    if name == "ecs.CreateService":
        PAST.note(answer["service"]["serviceArn"], None)
    if name == "ecs.RegisterTaskDefinition":
        PAST.note(answer["taskDefinition"]["taskDefinitionArn"], None)
    if name == "elbv2.RegisterTargets":
        for target in asked["Targets"]:
            PAST.note((asked["TargetGroupArn"], target["Id"]), None)


def as_it_lags(name: str, asked: Asked, answer: Answer) -> None:
    """Let the answer to a call be as it may be while AWS lags."""
    chances = LAG.chances(f"answer of {name}")
    if name in _LAGS:
        _LAGS[name](chances, asked, answer)


def described(chances: Random, asked: Asked, answer: Answer) -> None:
    """DescribeTasks: each task as it is, as it was, or MISSING."""
    kept = []
    states = {task.task_arn: shown(task) for task in emulated.all_tasks()}
    for task in answer["tasks"]:
        arn = task["taskArn"]
        state = LAG.version(chances, "ecs.DescribeTasks", arn, states[arn], ECS_SECONDS)
        if state is None:
            answer["failures"].append(missing(arn))
        else:
            kept.append(task if state == states[arn] else _then(task, state))
    answer["tasks"] = kept


def listed(chances: Random, asked: Asked, answer: Answer) -> None:
    """ListTasks: by what was wanted of each task, now or a while ago; one of the two lists has it."""
    wanted = asked.get("desiredStatus", "RUNNING")

    def is_there(state: Answer) -> bool:
        return bool(state["desiredStatus"] == wanted)

    arns = []
    for task in selected(asked):
        arn = task.task_arn
        state = LAG.version(chances, "ecs.ListTasks", arn, shown(task), ECS_SECONDS, is_there)
        if state is not None and is_there(state):
            arns.append(arn)
    answer["taskArns"] = arns


def services_described(chances: Random, asked: Asked, answer: Answer) -> None:
    """DescribeServices: each service as it is, as it was, or MISSING."""
    kept = []
    for service in answer["services"]:
        arn = service["serviceArn"]
        present = {name: value for name, value in service.items() if name != "tags"}
        state = LAG.version(chances, "ecs.DescribeServices", arn, present, ECS_SECONDS)
        if state is None:
            answer["failures"].append(services.missing(*arn.split("/")[-2:]))
        else:
            kept.append(service | state)
    answer["services"] = kept


def services_listed(chances: Random, asked: Asked, answer: Answer) -> None:
    """ListServices: what is ACTIVE, or was a while ago."""
    arns = []
    for service in services.of_cluster(asked.get("cluster", "default")):
        state = LAG.version(
            chances, "ecs.ListServices", service.arn, services.shown(service), ECS_SECONDS
        )
        if state is not None and state["status"] == "ACTIVE":
            arns.append(service.arn)
    answer["serviceArns"] = arns


def security_groups(chances: Random, asked: Asked, answer: Answer) -> None:
    """DescribeSecurityGroups: one that was just made may not be there yet."""
    shown_groups = [
        group
        for group in answer["SecurityGroups"]
        if not LAG.is_unknown(("group shown", group["GroupId"]))
    ]
    LAG.altered += len(shown_groups) < len(answer["SecurityGroups"])
    answer["SecurityGroups"] = shown_groups


def definitions(chances: Random, asked: Asked, answer: Answer) -> None:
    """ListTaskDefinitions: some are not there."""
    answer["taskDefinitionArns"] = [
        arn
        for arn in answer["taskDefinitionArns"]
        if LAG.version(chances, "ecs.ListTaskDefinitions", arn, arn, ECS_SECONDS)
    ]


def health(chances: Random, asked: Asked, answer: Answer) -> None:
    """DescribeTargetHealth: some targets are not there."""
    group, name = asked["TargetGroupArn"], "elbv2.DescribeTargetHealth"
    answer["TargetHealthDescriptions"] = [
        target
        for target in answer["TargetHealthDescriptions"]
        if LAG.version(chances, name, (group, target["Target"]["Id"]), True, ECS_SECONDS)
    ]


def queried(chances: Random, asked: Asked, answer: Answer) -> None:
    """Query of an index: what was written within its lag may be there as it was before, or not at all."""
    if "IndexName" not in asked:
        return
    table, index = asked["TableName"], asked["IndexName"]
    read = {_known_by(table, item): item for item in answer["Items"]}
    known = [*PAST.things(), *LAG.hidden]
    changed = {thing[1] for thing in known if isinstance(thing, tuple) and thing[0] == table}
    if "Limit" in asked:  # what the page ends with is not known here
        changed &= set(read)
    for key in sorted(changed):
        found = emulated.stored(table, key)
        said = LAG.version(chances, f"{table} {index}", (table, key), found, INDEX_SECONDS)
        if said is not None and _is_in(said, asked, index):
            read[key] = said
        else:
            read.pop(key, None)
    answer["Items"] = _in_order(list(read.values()), asked, index)
    answer["Count"] = len(answer["Items"])


def _then(task: Asked, state: Answer) -> Answer:
    """A described task as it was in an earlier state."""
    told = {**task, **state}
    if state["lastStatus"] != "STOPPED":
        ended = ("exitCode", "reason")
        told["containers"] = [
            {name: value for name, value in container.items() if name not in ended}
            | {"lastStatus": of_container(state["lastStatus"])}
            for container in task["containers"]
        ]
    return {name: value for name, value in told.items() if value is not None}


def _written(name: str, asked: Asked) -> list[tuple[str, tuple[str, ...]]]:
    """The tables and keys of the items that a call writes."""
    writes = []
    if name in ("dynamodb.UpdateItem", "dynamodb.DeleteItem", "dynamodb.PutItem"):
        writes = [asked]
    if name == "dynamodb.TransactWriteItems":
        operations = asked["TransactItems"]
        writes = [one[kind] for one in operations for kind in _WRITES if kind in one]
    items = [(write["TableName"], write.get("Key") or write["Item"]) for write in writes]
    return [(table, _known_by(table, item)) for table, item in items]


def _known_by(table: str, item: Asked) -> tuple[str, ...]:
    """The values of an item's key, as text."""
    return tuple(item[part]["S"] for part in world.TABLES[world.held_by(table)][0])


def _is_in(item: Asked, asked: Asked, index: str) -> bool:
    """Whether an index has an item, and the query's key condition selects it."""
    _, partition, sort = next(
        i for i in world.TABLES[world.held_by(asked["TableName"])][1] if i[0] == index
    )
    if partition not in item or sort not in item:
        return False
    names, values = asked["ExpressionAttributeNames"], asked["ExpressionAttributeValues"]
    compared = _COMPARED.findall(asked["KeyConditionExpression"])
    assert compared, asked["KeyConditionExpression"]
    return all(
        _COMPARE[operator](_value(item[names[name]]), _value(values[value]))
        for name, operator, value in compared
    )


def _in_order(items: list[Asked], asked: Asked, index: str) -> list[Asked]:
    sort = next(i[2] for i in world.TABLES[world.held_by(asked["TableName"])][1] if i[0] == index)
    forward = asked.get("ScanIndexForward", True)
    return sorted(items, key=lambda item: _value(item[sort]), reverse=not forward)


def _value(typed: dict[str, str]) -> Any:
    ((kind, value),) = typed.items()
    return float(value) if kind == "N" else value


_LAGS: dict[str, Callable[[Random, Asked, Answer], None]] = {
    "ecs.DescribeTasks": described,
    "ecs.ListTasks": listed,
    "ecs.DescribeServices": services_described,
    "ecs.ListServices": services_listed,
    "ecs.ListTaskDefinitions": definitions,
    "ec2.DescribeSecurityGroups": security_groups,
    "elbv2.DescribeTargetHealth": health,
    "dynamodb.Query": queried,
}
