"""A server that writes into its log and ends, as ECS and CloudWatch Logs then show it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from moto.ecs.models import ecs_backends

from tests import world
from tests.aws_calls import AWS
from tests.functions.writing import now_ms

_LOGS = f"/ecs/{world.STACK}"


def writes(task_arn: str, *texts: str, container: str = "foundry", ago: int = 0) -> None:
    """A container of a server's task writes lines, all of them `ago` milliseconds ago."""
    (instance,) = world.items("instances")
    write(instance["instanceId"], task_arn.rpartition("/")[2], *texts, container=container, ago=ago)


def server_writes(*texts: str, ago: int = 0) -> None:
    """A container of the only server there is writes lines, in a task of its own."""
    (instance,) = world.items("instances")
    write(instance["instanceId"], "a" * 32, *texts, ago=ago)


def write(
    instance_id: str, task: str, *texts: str, container: str = "foundry", ago: int = 0
) -> None:
    """The same, of whatever instance and task."""
    logs, stream = world.client("logs"), f"{instance_id}/{container}/{task}"
    with suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_stream(logGroupName=_LOGS, logStreamName=stream)
    events = [{"timestamp": now_ms() - ago, "message": text} for text in texts]
    logs.put_log_events(logGroupName=_LOGS, logStreamName=stream, logEvents=events)


def ended(ecs: world.Ecs, task_arn: str, said: str = "", **codes: int) -> dict[str, Any]:
    """The event of a task's end, with its containers' exit codes by name."""
    task = ecs_backends[world.ACCOUNT][world.REGION].tasks[world.STACK][task_arn]
    for container in task.containers:
        if container.name in codes:
            container.exitCode = codes[container.name]
    return ecs.ended(task_arn, exit_code=None, reason=said or "Essential container in task exited")  # type: ignore[arg-type]


def notices() -> list[dict[str, Any]]:
    """What members are to be told, in the order in which it was handed over."""
    return [order for order in AWS.queue if order["action"] == "send-notification"]


def runs() -> list[dict[str, Any]]:
    """All runs, the oldest first."""
    return sorted(world.items("runs"), key=lambda run: run["requestedAt"])
