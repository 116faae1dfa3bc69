"""ECS services: tasks that ECS keeps running, and starts again, as many as wanted."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from services import clock
from services.aws import client, code_of
from services.ecs import Placement, Task, lacks_what_is_fresh, lasting_refusal, stop_task
from services.propagation import codes, once_known
from services.settings import Settings

_EXISTS = re.compile(r"not idempotent", re.IGNORECASE)
_GONE = ("ServiceNotFoundException", "ServiceNotActiveException")


@dataclass(frozen=True)
class Look:
    """What ECS shows of tasks at one moment, and the ARNs of those that it lists without saying what they are."""

    tasks: Sequence[Task]
    unknown: Collection[str]
    asked_at: int  # when ECS was asked

    def of_group(self, group: str) -> list[Task]:
        """The tasks of a service, or of a family."""
        return [task for task in self.tasks if task.group == group]

    def has(self, arn: str) -> bool:
        """Whether there is such a task, whatever is known of it."""
        return arn in self.unknown or any(task.arn == arn for task in self.tasks)


class EcsServices:
    """The services in the cluster of the members' functions."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._cluster = settings.functions_cluster_arn

    def placement(self, security_group: str) -> Placement:
        """Where tasks with that security group run."""
        subnets, public = (
            self._settings.subnets_of_functions,
            self._settings.function_network == "public",
        )
        return Placement(self._cluster, security_group, subnets, public)

    def keep(
        self, name: str, token: str, definition: str, count: int, group: str, *, is_new: bool
    ) -> None:
        """Have `count` tasks of a definition run by a service of that name, which is made unless there is one.

        Raises TaskRefused if ECS never will. `is_new` when no earlier call can have made it. ECS answers
        CreateService with the token of an earlier call as it did then, whatever has become of the service since.
        """
        wanted = {
            "cluster": self._cluster,
            "taskDefinition": definition,
            "desiredCount": count,
            "networkConfiguration": self.placement(group).network,
        }
        if not is_new and self._is_updated(name, wanted):
            return
        if not self._is_created(name, token, wanted) or not is_new:
            once_known(lambda: self._update(name, wanted), codes("ServiceNotFoundException"))

    def _is_updated(self, name: str, wanted: dict[str, Any]) -> bool:
        try:
            self._update(name, wanted)
        except ClientError as error:
            if code_of(error) not in _GONE:
                raise
            return False
        return True

    def _update(self, name: str, wanted: dict[str, Any]) -> None:
        once_known(
            partial(client("ecs").update_service, service=name, **wanted), lacks_what_is_fresh
        )

    def _is_created(self, name: str, token: str, wanted: dict[str, Any]) -> bool:
        """False if there is a service of that name, made for other arguments by a call whose answer was lost."""
        create = partial(
            client("ecs").create_service,
            serviceName=name,
            clientToken=token,
            launchType="FARGATE",
            propagateTags="TASK_DEFINITION",
            deploymentConfiguration={"maximumPercent": 200, "minimumHealthyPercent": 100},
            tags=[{"key": "stack", "value": self._settings.stack}],
            **wanted,
        )
        try:
            once_known(create, lacks_what_is_fresh)
        except ClientError as error:
            if not _EXISTS.search(str(error)):
                raise lasting_refusal(error) from error
            return False
        return True

    def delete(self, name: str) -> bool:
        """Have a service end with all its tasks; False if ECS knows of none.

        That may be wrong for some minutes.
        """
        try:
            client("ecs").delete_service(cluster=self._cluster, service=name, force=True)
        except ClientError as error:
            if code_of(error) not in _GONE:
                raise
            return False
        return True

    def status(self, name: str) -> str | None:
        """`ACTIVE`, `DRAINING` or `INACTIVE`; None if ECS shows none, which may be wrong for some minutes."""
        answer = client("ecs").describe_services(cluster=self._cluster, services=[name])
        return str(answer["services"][0]["status"]) if answer["services"] else None

    def stop_task(self, task_arn: str, reason: str) -> None:
        """Ask a task to stop; no error if ECS knows of none, which may be wrong for some minutes."""
        stop_task(self._cluster, task_arn, reason)

    def tasks(self) -> Look:
        """All tasks that ECS shows, running or stopped within the hour. It may leave some out for some minutes."""
        asked_at, pages = clock.now(), client("ecs").get_paginator("list_tasks")
        arns = [
            arn
            for desired in ("RUNNING", "STOPPED")
            for page in pages.paginate(cluster=self._cluster, desiredStatus=desired)
            for arn in page["taskArns"]
        ]
        found = list(self._described(arns))
        return Look(found, frozenset(arns) - {task.arn for task in found}, asked_at)

    def _described(self, arns: list[str]) -> Iterable[Task]:
        for first in range(0, len(arns), 100):  # DescribeTasks takes a hundred at a time
            answer = client("ecs").describe_tasks(
                cluster=self._cluster, tasks=arns[first : first + 100]
            )
            yield from (Task.seen(task) for task in answer["tasks"])
