"""The stack as `sam deploy` makes it, on an embedded AWS that checks policies; the function has its role only."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from local import demo, front, stack
from local.ecs_events import TaskEvents, event_of
from local.embedded import Embedded
from local.follow import FunctionLog

Event = dict[str, Any]
Answer = dict[str, Any]
Policy = dict[str, Any]

_PATIENCE = 60  # seconds that something under way may take


@dataclass
class Deployed:
    """The deployed function and those around it."""

    aws: Embedded
    outputs: dict[str, str]
    tasks: TaskEvents
    log: FunctionLog

    @classmethod
    def on(cls, aws: Embedded, **parameters: str) -> Deployed:
        """Build and deploy, with other parameters of the template than samconfig.toml's.

        The schedules are switched off: here a test says when they fire.
        """
        outputs = stack.deploy(aws, stack.build(aws.directory / "build"), **parameters)
        demo.keep_secrets(aws)
        events = aws.client("events")
        for rule in events.list_rules()["Rules"]:
            if "ScheduleExpression" in rule:
                events.disable_rule(Name=rule["Name"])
        tasks = TaskEvents(aws, outputs["ClusterArn"])
        return cls(aws, outputs, tasks, FunctionLog(aws, stack.LOG_GROUP))

    @classmethod
    @contextmanager
    def behind_front(cls, aws: Embedded, **parameters: str) -> Iterator[Deployed]:
        """The same with a front on a spare port, by which the function reaches members' servers."""
        with front.running(aws.port, stack.parameters()["Domain"]) as running:
            deployed = cls.on(aws, ServersUrl=running.url, **parameters)
            running.leads_to(deployed.outputs["LoadBalancerDns"])
            yield deployed

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
            self.tasks.send()
        return answer

    def task(self, user: str) -> str:
        """The ARN of the member's present task."""
        arn: str = self.item("InstancesTable", {"userId": {"S": user}})["taskArn"]["S"]
        return arn

    def told(self, task: str, status: str = "RUNNING") -> Event:
        """The event by which ECS tells that the task is now as it will soon be."""
        give_up = time.monotonic() + _PATIENCE
        while (shown := self.shown(task))["lastStatus"] != status:
            assert time.monotonic() < give_up, shown
            time.sleep(0.05)
        return event_of(shown)

    def shown(self, task: str) -> dict[str, Any]:
        """The task, as DescribeTasks shows it."""
        described = self.aws.client("ecs").describe_tasks(
            cluster=self.outputs["ClusterArn"], tasks=[task]
        )
        found: dict[str, Any] = described["tasks"][0]
        return found

    def ends(self, task: str) -> Event:
        """Let the task end; returns the event by which ECS tells it."""
        self.aws.client("ecs").stop_task(cluster=self.outputs["ClusterArn"], task=task)
        return self.told(task, "STOPPED")

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
    def queue_arn(self) -> str:
        """The queue of what webhooks are to be told."""
        url = self.outputs["WebhookQueueUrl"]
        asked = {"QueueUrl": url, "AttributeNames": ["QueueArn"]}
        arn: str = self.aws.client("sqs").get_queue_attributes(**asked)["Attributes"]["QueueArn"]
        return arn

    @property
    def policies(self) -> list[Policy]:
        """What the function may do."""
        return [*self._attached().values(), *self._inline().values()]

    @contextmanager
    def without(self, permission: str) -> Iterator[None]:
        """The function's role lacks one permission for a while."""
        iam, role = self.aws.client("iam"), {"RoleName": self._role}

        def put(name: str, policy: Policy) -> None:
            iam.put_role_policy(**role, PolicyName=name, PolicyDocument=json.dumps(policy))

        attached, inline = self._attached(), self._inline()
        with ExitStack() as restored:
            for arn, policy in attached.items():
                if permission in permissions([policy]):
                    name, left = arn.split("/")[-1], _without(policy, permission)
                    if left["Statement"]:  # IAM takes no empty policy
                        put(name, left)
                        restored.callback(iam.delete_role_policy, **role, PolicyName=name)
                    iam.detach_role_policy(**role, PolicyArn=arn)
                    restored.callback(iam.attach_role_policy, **role, PolicyArn=arn)
            for name, policy in inline.items():
                if permission in permissions([policy]):
                    iam.delete_role_policy(**role, PolicyName=name)
                    restored.callback(put, name, policy)
                    if (left := _without(policy, permission))["Statement"]:
                        put(name, left)
            yield

    def _attached(self) -> dict[str, Policy]:
        iam = self.aws.client("iam")
        attached = iam.list_attached_role_policies(RoleName=self._role)["AttachedPolicies"]
        return {policy["PolicyArn"]: self._document(policy["PolicyArn"]) for policy in attached}

    def _inline(self) -> dict[str, Policy]:
        iam, role = self.aws.client("iam"), {"RoleName": self._role}
        names = iam.list_role_policies(**role)["PolicyNames"]
        return {
            name: iam.get_role_policy(**role, PolicyName=name)["PolicyDocument"] for name in names
        }

    @property
    def _role(self) -> str:
        return self.outputs["FunctionRoleArn"].split("/")[-1]

    def _document(self, arn: str) -> Policy:
        iam = self.aws.client("iam")
        version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
        document: Policy = found["Document"]
        return document


def permissions(policies: Iterable[Policy]) -> set[str]:
    """Every IAM action that the policies allow."""
    statements = [statement for policy in policies for statement in policy["Statement"]]
    return {permission for statement in statements for permission in _of(statement)}


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
