"""ECS: task definitions and tasks on Fargate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from botocore.exceptions import ClientError

from services.aws import client, code_of
from services.errors import TaskRefused
from services.settings import Settings

_log = structlog.get_logger()

# What ECS answers when a request cannot be carried out, now or as it stands; nothing was started then.
_REFUSALS = {
    "ClientException",
    "InvalidParameterException",
    "PlatformUnknownException",
    "PlatformTaskDefinitionIncompatibilityException",
    "BlockedException",
    "AccessDeniedException",
    "UnsupportedFeatureException",
}


@dataclass(frozen=True)
class Task:
    """A task as an event or DescribeTasks shows it. Times are UTC Unix seconds by ECS's clock."""

    arn: str
    started_by: str
    status: str
    desired_status: str
    address: str | None = None
    created_at: int | None = None
    pulled_from: int | None = None
    pulled_until: int | None = None
    started_at: int | None = None
    stopped_at: int | None = None
    stop_code: str = ""
    stopped_reason: str = ""
    exit_codes: Mapping[str, int | None] | None = None

    @classmethod
    def seen(cls, detail: Mapping[str, Any]) -> Task:
        """From an event's `detail` or DescribeTasks; both have the same fields but for the type of times."""
        containers = detail.get("containers") or ()
        return cls(
            arn=detail["taskArn"],
            started_by=detail.get("startedBy") or "",
            status=detail["lastStatus"],
            desired_status=detail.get("desiredStatus") or "",
            address=_address(detail.get("attachments") or ()),
            created_at=_unix(detail.get("createdAt")),
            pulled_from=_unix(detail.get("pullStartedAt")),
            pulled_until=_unix(detail.get("pullStoppedAt")),
            started_at=_unix(detail.get("startedAt")),
            stopped_at=_unix(detail.get("stoppedAt")),
            stop_code=detail.get("stopCode") or "",
            stopped_reason=detail.get("stoppedReason") or "",
            exit_codes={c.get("name", ""): c.get("exitCode") for c in containers},
        )


class Ecs:
    """The cluster in which the members' servers run."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def family(self, instance_id: str) -> str:
        """The family of an instance's task definitions."""
        return f"{self._settings.stack}-{instance_id}"

    def register(self, definition: Mapping[str, Any]) -> str:
        """Register a task definition; returns its ARN."""
        answer = client("ecs").register_task_definition(**definition)
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def retire_definitions(self, instance_id: str, keep: str = "") -> None:
        """Deregister and delete every revision of an instance's family but `keep`."""
        family = self.family(instance_id)
        pages = client("ecs").get_paginator("list_task_definitions")
        found = [
            arn
            for status in ("ACTIVE", "INACTIVE")
            for page in pages.paginate(familyPrefix=family, status=status)
            for arn in page["taskDefinitionArns"]
            if arn != keep
        ]
        for arn in found:
            client("ecs").deregister_task_definition(taskDefinition=arn)
        for first in range(0, len(found), 10):  # DeleteTaskDefinitions takes ten at a time
            client("ecs").delete_task_definitions(taskDefinitions=found[first : first + 10])

    def run(
        self,
        run_id: str,
        definition: str,
        environment: Mapping[str, Mapping[str, str]] | None = None,
    ) -> str:
        """Run one task and return its ARN; repeating it with the same `run_id` starts no second one.

        `environment` holds plain variables per container. Raises TaskRefused when ECS will not have it.
        """
        overrides = [
            {"name": name, "environment": [{"name": k, "value": v} for k, v in variables.items()]}
            for name, variables in (environment or {}).items()
        ]
        try:
            answer = client("ecs").run_task(
                cluster=self._settings.cluster_arn,
                taskDefinition=definition,
                launchType="FARGATE",
                count=1,
                clientToken=run_id,
                startedBy=run_id,
                propagateTags="TASK_DEFINITION",
                overrides={"containerOverrides": overrides},
                networkConfiguration={
                    "awsvpcConfiguration": {
                        "subnets": self._settings.subnets,
                        "securityGroups": [self._settings.task_security_group],
                        "assignPublicIp": "ENABLED",
                    }
                },
            )
        except ClientError as error:
            if code_of(error) not in _REFUSALS:
                raise
            # What AWS says may name roles and accounts: that is for the operator, not for the member.
            _log.warning("ECS refused to run a task", details={"error": str(error)[:500]})
            raise TaskRefused(code_of(error)) from error
        if not answer["tasks"]:
            raise TaskRefused("; ".join(f.get("reason", "unknown") for f in answer["failures"]))
        return str(answer["tasks"][0]["taskArn"])

    def find(self, run_id: str) -> str | None:
        """The ARN of the run's task if ECS knows of one, running or stopped within the last hour."""
        for status in ("RUNNING", "STOPPED"):
            answer = client("ecs").list_tasks(
                cluster=self._settings.cluster_arn, startedBy=run_id, desiredStatus=status
            )
            if answer["taskArns"]:
                return str(answer["taskArns"][0])
        return None

    def stop(self, task_arn: str, reason: str) -> None:
        """Ask a task to stop; no error if it already has."""
        try:
            client("ecs").stop_task(
                cluster=self._settings.cluster_arn, task=task_arn, reason=reason[:255]
            )
        except ClientError as error:
            gone = code_of(error) == "InvalidParameterException" and "not found" in str(error)
            if not gone:
                raise

    def look(self, task_arns: Iterable[str]) -> dict[str, Task]:
        """What ECS says of tasks now, by ARN; it forgets a task about an hour after its stop."""
        wanted = list(task_arns)
        seen: dict[str, Task] = {}
        for first in range(0, len(wanted), 100):  # DescribeTasks takes a hundred at a time
            answer = client("ecs").describe_tasks(
                cluster=self._settings.cluster_arn, tasks=wanted[first : first + 100]
            )
            seen |= {task["taskArn"]: Task.seen(task) for task in answer["tasks"]}
        return seen

    def check(self) -> None:
        """Raise if the cluster does not answer or is not active."""
        answer = client("ecs", short_timeout=True).describe_clusters(
            clusters=[self._settings.cluster_arn]
        )
        if not answer["clusters"] or answer["clusters"][0]["status"] != "ACTIVE":
            raise RuntimeError("the cluster is not active")


def _address(attachments: Iterable[Mapping[str, Any]]) -> str | None:
    for attachment in attachments:
        # DescribeTasks says ElasticNetworkInterface where the event says eni.
        if attachment.get("type") in ("eni", "ElasticNetworkInterface"):
            for detail in attachment.get("details", ()):
                if detail.get("name") == "privateIPv4Address":
                    return str(detail["value"])
    return None


def _unix(moment: str | float | datetime | None) -> int | None:
    if moment is None:
        return None
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return int(moment.timestamp() if isinstance(moment, datetime) else moment)
