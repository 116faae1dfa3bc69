"""ECS: task definitions and tasks on Fargate."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import structlog
from botocore.exceptions import ClientError

from services.aws import SHORT_TIMEOUT, client, code_of
from services.errors import EcsBusy, TaskRefused
from services.fargate import Size
from services.propagation import once_known
from services.settings import Settings

_log = structlog.get_logger()

# What RunTask answers when nothing was started (ECS API, RunTask, Errors): because ECS is busy, for want of
# machines, for the account's quota, or since it never will as it was asked.
_BUSY_CODES = {
    "ThrottlingException",
    "ServerException",
    "LimitExceededException",
    "ClusterNotFoundException",  # of a cluster that was there a moment ago: ECS is eventually consistent
}
_REFUSALS = {
    "ClientException",
    "InvalidParameterException",
    "PlatformUnknownException",
    "PlatformTaskDefinitionIncompatibilityException",
    "BlockedException",
    "AccessDeniedException",
    "UnsupportedFeatureException",
}
_BUSY_WORDS = re.compile(r"rate exceeded|throttl", re.IGNORECASE)
_QUOTA_WORDS = re.compile(r"limit on the number of|quota|limit exceeded", re.IGNORECASE)
_NO_GROUP_YET = re.compile(r"security group.*does not exist", re.IGNORECASE)
_CAPACITY_WORDS = re.compile(r"capacity", re.IGNORECASE)


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
    reasons: tuple[str, ...] = ()  # what is said of its containers
    cpu: int | None = None  # in units, 1024 a vCPU
    memory: int | None = None  # in MiB
    group: str = ""  # `service:<name>` of one that a service started, else `family:<family>`

    @property
    def id(self) -> str:
        """The last part of its ARN, unique in the account."""
        return self.arn.rpartition("/")[2]

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
            reasons=tuple(c["reason"] for c in containers if c.get("reason")),
            cpu=int(detail["cpu"]) if detail.get("cpu") else None,
            memory=int(detail["memory"]) if detail.get("memory") else None,
            group=detail.get("group") or "",
        )


@dataclass(frozen=True)
class Resized:
    """Another size of a task than its definition's, and of its containers' memory in MiB."""

    size: Size
    containers: Mapping[str, int]


@dataclass(frozen=True)
class Placement:
    """Where a task runs: in which cluster, with which security group, with a public address or without."""

    cluster: str
    security_group: str
    subnets: Sequence[str]
    public: bool = True

    @property
    def network(self) -> dict[str, Any]:
        """As ECS takes it."""
        return {
            "awsvpcConfiguration": {
                "subnets": list(self.subnets),
                "securityGroups": [self.security_group],
                "assignPublicIp": "ENABLED" if self.public else "DISABLED",
            }
        }


class Ecs:
    """The cluster in which the members' servers run."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def family(self, instance_id: str) -> str:
        """The family of an instance's task definitions."""
        return f"{self._settings.stack}_{instance_id}"  # no stack's name has a "_": never another one's

    def register(self, definition: Mapping[str, Any]) -> str:
        """Register a task definition; returns its ARN. Raises TaskRefused if ECS never will have it."""
        register = partial(client("ecs").register_task_definition, **definition)
        try:
            answer = once_known(register, _knows_no_role)
        except ClientError as error:
            raise lasting_refusal(error) from error
        return str(answer["taskDefinition"]["taskDefinitionArn"])

    def retire(self, instance_id: str, first: int, before: int) -> None:
        """Deregister and delete the revisions of an instance's family from `first` on, up to `before`.

        They are not looked for in ECS's list, which may leave some out.
        """
        self._delete(
            r for n in range(first, before) if _deregister(r := self._revision(instance_id, n))
        )

    def retire_all(self, instance_id: str, first: int, noted: int) -> None:
        """Deregister and delete the revisions from `first` on: those up to the `noted` one, and any after it.

        ECS counts revisions without a gap, so after the noted one the first that is not there is the end.
        """
        found = []
        for number in itertools.count(first):
            revision = self._revision(instance_id, number)
            if _deregister(revision):
                found.append(revision)
            elif number > noted:
                break
        self._delete(found)

    def _revision(self, instance_id: str, number: int) -> str:
        return f"{self.family(instance_id)}:{number}"

    def _delete(self, deregistered: Iterable[str]) -> None:
        retired = list(deregistered)
        for start in range(0, len(retired), 10):  # DeleteTaskDefinitions takes ten at a time
            client("ecs").delete_task_definitions(taskDefinitions=retired[start : start + 10])

    def run(
        self,
        run_id: str,
        definition: str,
        environment: Mapping[str, Mapping[str, str]] | None = None,
        cluster: str = "",
        placement: Placement | None = None,
        size: Resized | None = None,
    ) -> str:
        """Run one task and return its ARN; repeating it with the same `run_id` starts no second one.

        ECS answers a repetition as the first time, or, where something else is asked for with it, with the ARN
        of the task that there is (docs/sources.md, AWS). `environment` holds plain variables per container; the
        cluster is the servers' unless given, and all else of where it runs is as theirs but for a `placement`;
        the size is the definition's unless given. Raises TaskRefused when ECS will not have it, EcsBusy when
        it will not have it now: nothing was started.
        """
        placement = placement or self._placement(cluster or self._settings.cluster_arn)
        run = partial(
            client("ecs").run_task,
            cluster=placement.cluster,
            taskDefinition=definition,
            launchType="FARGATE",
            count=1,
            clientToken=run_id,
            startedBy=run_id,
            propagateTags="TASK_DEFINITION",
            overrides=_overrides(environment or {}, size),
            networkConfiguration=placement.network,
        )
        try:
            answer = once_known(run, lacks_what_is_fresh)
        except ClientError as error:
            existing: Any = error.response.get("resourceIds")  # of a ConflictException
            if existing:
                return str(existing[0])
            raise _refusal(error) from error
        if not answer["tasks"]:
            reasons = "; ".join(f.get("reason", "unknown") for f in answer["failures"])
            _log.warning("ECS has no task for a run", details={"reasons": reasons[:500]})
            raise TaskRefused(_cause(reasons))
        return str(answer["tasks"][0]["taskArn"])

    def _placement(self, cluster: str) -> Placement:
        settings = self._settings
        return Placement(cluster, settings.task_security_group, settings.subnets)

    def find(self, run_id: str, family: str) -> Task | None:
        """The run's task if ECS shows one, running or stopped within the last hour; it may lag by minutes.

        `family` is that of its task definition. `startedBy` must be the only filter where it is one (ECS API,
        ListTasks), and finds tasks that are wanted running.
        """
        cluster = self._settings.cluster_arn
        arns = client("ecs").list_tasks(cluster=cluster, startedBy=run_id)["taskArns"]
        if not arns:
            pages = client("ecs").get_paginator("list_tasks")
            found = pages.paginate(cluster=cluster, family=family, desiredStatus="STOPPED")
            arns = [arn for page in found for arn in page["taskArns"]]
        return next((t for t in self.look(arns).values() if t.started_by == run_id), None)

    def stop(self, task_arn: str, reason: str) -> None:
        """Ask a task to stop; no error if ECS knows of none, which may be wrong for some minutes."""
        stop_task(self._settings.cluster_arn, task_arn, reason)

    def look(self, task_arns: Iterable[str]) -> dict[str, Task]:
        """What ECS says of tasks, by ARN. It leaves out those that it forgot, an hour after their stop, and for
        some minutes even one that runs: it is eventually consistent.
        """
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
        answer = client("ecs", SHORT_TIMEOUT).describe_clusters(
            clusters=[self._settings.cluster_arn]
        )
        if not answer["clusters"] or answer["clusters"][0]["status"] != "ACTIVE":
            raise RuntimeError("the cluster is not active")


def _overrides(
    environment: Mapping[str, Mapping[str, str]], size: Resized | None
) -> dict[str, Any]:
    """What is another than in the definition: plain variables per container, and the size."""
    containers: dict[str, dict[str, Any]] = {
        name: {"environment": [{"name": k, "value": v} for k, v in variables.items()]}
        for name, variables in environment.items()
    }
    for name, memory in (size.containers if size else {}).items():
        containers.setdefault(name, {})["memory"] = memory
    whole = {"cpu": str(size.size.cpu), "memory": str(size.size.memory)} if size else {}
    return {"containerOverrides": [{"name": n} | c for n, c in containers.items()], **whole}


def stop_task(cluster: str, task_arn: str, reason: str) -> None:
    """Ask a task of a cluster to stop; no error if ECS knows of none."""
    try:
        client("ecs").stop_task(cluster=cluster, task=task_arn, reason=reason[:255])
    except ClientError as error:
        unknown = code_of(error) == "InvalidParameterException" and "not found" in str(error)
        if not unknown:
            raise


def revision_of(definition: str) -> int:
    """The number of a revision, which its ARN ends with."""
    return int(definition.rpartition(":")[2])


def _deregister(definition: str) -> bool:
    """Whether there was such a revision."""
    try:
        client("ecs").deregister_task_definition(taskDefinition=definition)
    except ClientError as error:
        if code_of(error) != "ClientException":  # "Unable to describe task definition"
            raise
        return False
    return True


def _refusal(error: ClientError) -> Exception:
    """What it means that RunTask raised; the error itself where a task may have been started all the same."""
    code, words = code_of(error), str(error)
    busy = code in _BUSY_CODES or (code in _REFUSALS and _BUSY_WORDS.search(words))
    if not busy and code not in _REFUSALS:
        return error
    # What AWS says may name roles and accounts: that is for the operator, not for the member.
    _log.warning("ECS refused to run a task", details={"error": words[:500]})
    return EcsBusy(code) if busy else TaskRefused(_cause(words))


def lasting_refusal(error: ClientError) -> Exception:
    """TaskRefused if asking ECS again for the same changes nothing; else the error itself."""
    words = str(error)
    if code_of(error) not in ("ClientException", "InvalidParameterException"):
        return error
    if _BUSY_WORDS.search(words) or lacks_what_is_fresh(error):
        return error
    _log.warning("ECS refused what it was asked for", details={"error": words[:500]})
    return TaskRefused(_cause(words))


def _cause(words: str) -> TaskRefused.Cause:
    if _QUOTA_WORDS.search(words):
        return TaskRefused.Cause.QUOTA
    return TaskRefused.Cause.CAPACITY if _CAPACITY_WORDS.search(words) else TaskRefused.Cause.OTHER


def _knows_no_role(error: ClientError) -> bool:
    """Whether ECS does not know a role yet that was made a moment ago."""
    said = str(error)
    return "Role is not valid" in said or "unable to assume the role" in said


def lacks_what_is_fresh(error: ClientError) -> bool:
    """Whether ECS does not know a role or a security group everywhere yet that was made a moment ago."""
    return _knows_no_role(error) or bool(_NO_GROUP_YET.search(str(error)))


def _address(attachments: Iterable[Mapping[str, Any]]) -> str | None:
    for attachment in attachments:
        # DescribeTasks says ElasticNetworkInterface where the event says eni.
        if attachment.get("type") in ("eni", "ElasticNetworkInterface"):
            for detail in attachment.get("details") or ():
                if detail.get("name") == "privateIPv4Address" and detail.get("value"):
                    return str(detail["value"])
    return None


def _unix(moment: str | float | datetime | None) -> int | None:
    if moment is None:
        return None
    if isinstance(moment, str):
        moment = datetime.fromisoformat(moment)
    return int(moment.timestamp() if isinstance(moment, datetime) else moment)
