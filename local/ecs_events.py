"""Plays the part of ECS's event stream, which the emulator lacks.

Real ECS sends an event to EventBridge whenever a task's state changes. The emulator sends none, and its
PutEvents, like the real one, takes nothing in the name of aws.ecs. So this looks at the cluster's tasks
again and again, and hands each change to the targets of the rules that match it, as EventBridge would.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from local.embedded import REGION, Embedded

_PAGE = 100  # tasks that one DescribeTasks takes


class TaskEvents:
    """The changes of a cluster's tasks since the last look, sent as events."""

    def __init__(self, embedded: Embedded, cluster: str) -> None:
        self._ecs = embedded.client("ecs")
        self._events = embedded.client("events")
        self._lambda = embedded.client("lambda")
        self._cluster = cluster
        self._seen: dict[str, str] = {}  # task ARN: the last state that was sent

    def send(self) -> int:
        """Look once, and tell in the order of what happened; returns how many events that made."""
        changed = [task for task in self._tasks() if self._is_news(task)]
        for task in sorted(changed, key=_since):
            self._deliver(event_of(task))
            self._seen[task["taskArn"]] = task["lastStatus"]
        return len(changed)

    def _is_news(self, task: dict[str, Any]) -> bool:
        return bool(self._seen.get(task["taskArn"]) != task["lastStatus"])

    def _tasks(self) -> Iterator[dict[str, Any]]:
        """All tasks but those whose end has been sent."""
        listed: list[str] = []
        for desired in ("RUNNING", "STOPPED"):
            pages = self._ecs.get_paginator("list_tasks")
            for page in pages.paginate(cluster=self._cluster, desiredStatus=desired):
                listed += [arn for arn in page["taskArns"] if self._seen.get(arn) != "STOPPED"]
        arns = list(dict.fromkeys(listed))  # one that ended meanwhile is on both lists
        for start in range(0, len(arns), _PAGE):
            described = self._ecs.describe_tasks(
                cluster=self._cluster, tasks=arns[start : start + _PAGE]
            )
            yield from described["tasks"]

    def _deliver(self, event: dict[str, Any]) -> None:
        payload = json.dumps(event)
        for rule in self._events.list_rules()["Rules"]:
            if self._matches(rule, payload):
                for target in self._events.list_targets_by_rule(Rule=rule["Name"])["Targets"]:
                    self._lambda.invoke(
                        FunctionName=target["Arn"], InvocationType="Event", Payload=payload.encode()
                    )

    def _matches(self, rule: dict[str, Any], event: str) -> bool:
        if rule["State"] != "ENABLED" or "EventPattern" not in rule:
            return False
        answer = self._events.test_event_pattern(EventPattern=rule["EventPattern"], Event=event)
        return bool(answer["Result"])


def _since(task: dict[str, Any]) -> datetime:
    """Since when a task is as it is."""
    since: datetime = task.get("stoppedAt") or task.get("startedAt") or task["createdAt"]
    return since


def event_of(task: dict[str, Any]) -> dict[str, Any]:
    """The event that ECS sends for a task as DescribeTasks shows it."""
    detail = json.loads(json.dumps(task, default=_iso))
    for attachment in detail.get("attachments", []):
        attachment["type"] = "eni"  # DescribeTasks says ElasticNetworkInterface
    return {
        "version": "0",
        "id": str(uuid.uuid4()),
        "detail-type": "ECS Task State Change",
        "source": "aws.ecs",
        "account": task["taskArn"].split(":")[4],
        "time": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "region": REGION,
        "resources": [task["taskArn"]],
        "detail": detail,
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
