"""The stack as `sam deploy` makes it, on an embedded AWS that checks policies; the function has its role only."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from local import demo, stack
from local.ecs_events import TaskEvents, event_of
from local.embedded import Embedded
from local.follow import FunctionLog

Event = dict[str, Any]
Answer = dict[str, Any]
Policy = dict[str, Any]

_ADDRESS = "10.0.0.9"  # what the tasks' events say; tasks of the emulator have no address
_PATIENCE = 60  # seconds that something under way may take


@dataclass
class Deployed:
    """The deployed function and those around it."""

    aws: Embedded
    outputs: dict[str, str]
    tasks: TaskEvents
    log: FunctionLog

    @classmethod
    def on(cls, aws: Embedded) -> Deployed:
        """Build and deploy. The schedules are switched off: here a test says when they fire."""
        outputs = stack.deploy(aws, stack.build(aws.directory / "build"))
        demo.keep_secrets(aws)
        events = aws.client("events")
        for rule in events.list_rules()["Rules"]:
            if "ScheduleExpression" in rule:
                events.disable_rule(Name=rule["Name"])
        tasks = TaskEvents(aws, outputs["ClusterArn"], _ADDRESS)
        return cls(aws, outputs, tasks, FunctionLog(aws, stack.LOG_GROUP))

    def call(self, event: Event) -> Answer:
        """Invoke and wait for the answer."""
        called = self.aws.client("lambda").invoke(
            FunctionName=stack.FUNCTION, Payload=json.dumps(event).encode()
        )
        answer: Answer = json.loads(called["Payload"].read())
        return answer

    def until(self, event: Event, wanted: Callable[[Answer], bool]) -> Answer:
        """Call again and again, while ECS tells of its tasks, until the answer is as wanted."""
        give_up = time.monotonic() + _PATIENCE
        while not wanted(answer := self.call(event)):
            assert time.monotonic() < give_up, (answer, self.log.fresh())
            self.tasks.end_purges(stack.PURGE_FAMILY)
            self.tasks.send()
        return answer

    def task(self, user: str) -> str:
        """The ARN of the member's present task."""
        arn: str = self.item("InstancesTable", {"userId": {"S": user}})["taskArn"]["S"]
        return arn

    def told(self, task: str) -> Event:
        """The event by which ECS tells how the task is."""
        described = self.aws.client("ecs").describe_tasks(
            cluster=self.outputs["ClusterArn"], tasks=[task]
        )
        return event_of(described["tasks"][0], _ADDRESS)

    def ends(self, task: str) -> Event:
        """Let the task end; returns the event by which ECS tells it."""
        self.aws.client("ecs").stop_task(cluster=self.outputs["ClusterArn"], task=task)
        return self.told(task)

    def item(self, table: str, key: dict[str, Any]) -> dict[str, Any]:
        """An item of a table, as DynamoDB has it."""
        found: dict[str, Any] = self.aws.client("dynamodb").get_item(
            TableName=self.outputs[table], Key=key
        )["Item"]
        return found

    def as_if(self, table: str, key: dict[str, Any], **attributes: str | int | None) -> None:
        """Change an item behind the function's back: as if a process had died, or time had passed."""
        self.aws.client("dynamodb").update_item(
            TableName=self.outputs[table],
            Key=key,
            AttributeUpdates={name: _update(value) for name, value in attributes.items()},
        )

    @property
    def policy(self) -> Policy:
        """What the template lets the function do."""
        found: Policy = self.aws.client("iam").get_role_policy(**self._role)["PolicyDocument"]
        return found

    @contextmanager
    def without(self, permission: str) -> Iterator[None]:
        """The function's role lacks one permission for a while."""
        whole = self.policy
        self._put(_without(whole, permission))
        try:
            yield
        finally:
            self._put(whole)

    def _put(self, policy: Policy) -> None:
        self.aws.client("iam").put_role_policy(**self._role, PolicyDocument=json.dumps(policy))

    @property
    def _role(self) -> dict[str, str]:
        role = self.outputs["FunctionRoleArn"].split("/")[-1]
        return {"RoleName": role, "PolicyName": "platform"}


def permissions(policy: Policy) -> set[str]:
    """Every IAM action that the policy allows."""
    return {permission for statement in policy["Statement"] for permission in _of(statement)}


def _without(policy: Policy, permission: str) -> Policy:
    cut = [
        statement | {"Action": [found for found in _of(statement) if found != permission]}
        for statement in policy["Statement"]
    ]
    return policy | {"Statement": [statement for statement in cut if statement["Action"]]}


def _of(statement: dict[str, Any]) -> list[str]:
    action = statement["Action"]
    return [action] if isinstance(action, str) else list(action)


def _update(value: str | int | None) -> dict[str, Any]:
    if value is None:
        return {"Action": "DELETE"}
    return {"Action": "PUT", "Value": {"N": str(value)} if isinstance(value, int) else {"S": value}}
