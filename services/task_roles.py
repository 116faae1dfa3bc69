"""IAM: the roles of an instance's tasks, by which they reach its own files and nobody else's.

Fargate mounts files with the task's role, and whoever takes over a container has that role, too. What it
may mount is therefore decided by the role: a shared one would open every member's files. A server's role
does not reach its saves: who takes over a server could otherwise take what would undo that.
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any, ClassVar

from botocore.exceptions import ClientError

from services.aws import client, code_of
from services.propagation import GONE, codes, once_known, unless_gone
from services.save_bucket import PREFIXES
from services.settings import Settings

_POLICY = "files"
_MOUNT, _WRITE = "elasticfilesystem:ClientMount", "elasticfilesystem:ClientWrite"


class _Roles:
    """One role for each instance, named by it."""

    _suffix: ClassVar = ""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def arn(self, instance_id: str) -> str:
        """The ARN of an instance's role."""
        settings = self._settings
        name = f"{settings.stack}/{self._name(instance_id)}"
        return f"arn:{settings.partition}:iam::{settings.account}:role/{name}"

    def delete(self, instance_id: str) -> None:
        """Delete the instance's role; no error if it is gone."""
        for call, arguments in (
            (client("iam").delete_role_policy, {"PolicyName": _POLICY}),
            (client("iam").delete_role, {}),
        ):
            delete = partial(call, RoleName=self._name(instance_id), **arguments)
            unless_gone(partial(once_known, delete, codes("DeleteConflict")))

    def _make(self, instance_id: str, boundary: str, *statements: dict[str, Any]) -> None:
        try:
            client("iam").create_role(
                RoleName=self._name(instance_id),
                Path=f"/{self._settings.stack}/",
                AssumeRolePolicyDocument=json.dumps(self._for_tasks()),
                PermissionsBoundary=boundary,
                Tags=[{"Key": "stack", "Value": self._settings.stack}],
            )
        except ClientError as error:
            if code_of(error) != "EntityAlreadyExists":
                raise
        put = partial(
            client("iam").put_role_policy,
            RoleName=self._name(instance_id),
            PolicyName=_POLICY,
            PolicyDocument=json.dumps(_policy(*statements)),
        )
        once_known(put, codes(GONE))

    def _name(self, instance_id: str) -> str:
        return f"{self._settings.stack}-{instance_id}{self._suffix}"

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


class TaskRoles(_Roles):
    """The roles of the servers' tasks."""

    def make(self, instance_id: str, access_point_id: str) -> None:
        """Make the instance's role, for the files behind that access point; repeating it completes it.

        It reaches those, and the shared releases without writing.
        """
        self._make(
            instance_id,
            self._settings.task_boundary_arn,
            self._through(access_point_id, _MOUNT, _WRITE),
            self._through(self._settings.releases_access_point_id, _MOUNT),
        )


class FileRoles(_Roles):
    """The roles of the tasks that save and restore files."""

    _suffix = "-files"

    def make(self, instance_id: str, access_point_id: str, repository: str, bucket: str) -> None:
        """Make the instance's role, for its files, its repository and its asset bucket; repeating it completes it.

        It deletes no version in the bucket of the saves: what it deletes or overwrites is there for some days yet.
        """
        partition, saves = self._settings.partition, self._settings.saves_bucket
        parts = [f"{prefix}/{repository}/*" for prefix in PREFIXES]
        self._make(
            instance_id,
            self._settings.files_boundary_arn,
            self._through(access_point_id, _MOUNT, _WRITE),
            {
                "Effect": "Allow",
                "Action": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                "Resource": [f"arn:{partition}:s3:::{saves}/{part}" for part in parts],
            },
            {
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": f"arn:{partition}:s3:::{saves}",
                "Condition": {"StringLike": {"s3:prefix": parts}},
            },
            {
                "Effect": "Allow",
                "Action": [
                    "s3:GetObject",
                    "s3:PutObject",
                    "s3:PutObjectAcl",
                    "s3:DeleteObject",
                ],
                "Resource": f"arn:{partition}:s3:::{bucket}/*",
            },
            {
                "Effect": "Allow",
                "Action": "s3:ListBucket",
                "Resource": f"arn:{partition}:s3:::{bucket}",
            },
            {
                "Effect": "Allow",
                "Action": "s3:GetBucketLocation",
                "Resource": [f"arn:{partition}:s3:::{name}" for name in (saves, bucket)],
            },
        )


def _policy(*statements: dict[str, Any]) -> dict[str, Any]:
    return {"Version": "2012-10-17", "Statement": list(statements)}
