"""IAM: one role per instance for its task, by which it reaches its own files and nobody else's.

Fargate mounts files with the task's role, and whoever takes over a container has that role, too. What it
may mount is therefore decided by the role: a shared one would open every member's files.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from services.aws import client, code_of
from services.propagation import GONE, codes, once_known, unless_gone
from services.settings import Settings

_POLICY = "files"


class TaskRoles:
    """The roles of the instances' tasks."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def arn(self, instance_id: str) -> str:
        """The ARN of an instance's role."""
        settings = self._settings
        name = f"{settings.stack}/{self._name(instance_id)}"
        return f"arn:{settings.partition}:iam::{settings.account}:role/{name}"

    def make(self, instance_id: str, access_point_id: str) -> None:
        """Make the instance's role, for the files behind that access point; repeating it completes it."""
        try:
            client("iam").create_role(
                RoleName=self._name(instance_id),
                Path=f"/{self._settings.stack}/",
                AssumeRolePolicyDocument=json.dumps(self._for_tasks()),
                PermissionsBoundary=self._settings.task_boundary_arn,
                Tags=[{"Key": "stack", "Value": self._settings.stack}],
            )
        except ClientError as error:
            if code_of(error) != "EntityAlreadyExists":
                raise
        put = partial(
            client("iam").put_role_policy,
            RoleName=self._name(instance_id),
            PolicyName=_POLICY,
            PolicyDocument=json.dumps(self._only(access_point_id)),
        )
        once_known(put, codes(GONE))

    def delete(self, instance_id: str) -> None:
        """Delete the instance's role; no error if it is gone."""
        for call, arguments in (
            (client("iam").delete_role_policy, {"PolicyName": _POLICY}),
            (client("iam").delete_role, {}),
        ):
            delete = partial(call, RoleName=self._name(instance_id), **arguments)
            unless_gone(partial(once_known, delete, codes("DeleteConflict")))

    def _name(self, instance_id: str) -> str:
        return f"{self._settings.stack}-{instance_id}"

    def _for_tasks(self) -> dict[str, Any]:
        """Only ECS may assume it, for a task of this account (AWS: Amazon ECS task IAM role)."""
        return _policy(
            {
                "Effect": "Allow",
                "Principal": {"Service": "ecs-tasks.amazonaws.com"},
                "Action": "sts:AssumeRole",
                "Condition": {"StringEquals": {"aws:SourceAccount": self._settings.account}},
            }
        )

    def _only(self, access_point_id: str) -> dict[str, Any]:
        """The instance's own files, and the shared releases without writing."""
        mount, write = "elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"
        return _policy(
            self._through(access_point_id, mount, write),
            self._through(self._settings.releases_access_point_id, mount),
        )

    def _through(self, access_point_id: str, *actions: str) -> dict[str, Any]:
        """A statement about the file system as it is reached through one access point."""
        settings = self._settings
        efs = f"arn:{settings.partition}:elasticfilesystem:{settings.aws_region}:{settings.account}"
        point = f"{efs}:access-point/{access_point_id}"
        return {
            "Effect": "Allow",
            "Action": list(actions),
            "Resource": f"{efs}:file-system/{settings.file_system_id}",
            "Condition": {"ArnEquals": {"elasticfilesystem:AccessPointArn": point}},
        }


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}
