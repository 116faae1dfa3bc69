"""EC2: a security group for each tenant. It lets nobody in, and its tasks out."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from services.aws import client, code_of
from services.errors import Unfinished
from services.settings import Settings


class SecurityGroups:
    """The groups of the platform's own network."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def make(self, name: str) -> str:
        """The id of the group with that name, made unless there is one. Nothing may come in, as of any new group.

        Raises Unfinished if EC2 knows of one that it does not show yet: its lists lag (EC2 API, Eventual
        consistency).
        """
        tags = [{"Key": "stack", "Value": self._settings.stack}]
        try:
            answer = client("ec2").create_security_group(
                GroupName=name,
                Description="Functions of one member, into which nothing comes",
                VpcId=self._settings.vpc_id,
                TagSpecifications=[{"ResourceType": "security-group", "Tags": tags}],
            )
        except ClientError as error:
            if code_of(error) != "InvalidGroup.Duplicate":
                raise
            found = self.find(name)
            if found is None:
                raise Unfinished from error
            return found
        return str(answer["GroupId"])

    def find(self, name: str) -> str | None:
        """The id of the group with that name if EC2 shows one; its lists lag."""
        wanted: list[Any] = [
            {"Name": "group-name", "Values": [name]},
            {"Name": "vpc-id", "Values": [self._settings.vpc_id]},
        ]
        groups = client("ec2").describe_security_groups(Filters=wanted)["SecurityGroups"]
        return str(groups[0]["GroupId"]) if groups else None

    def delete(self, group_id: str) -> bool:
        """Delete a group; False while a task uses it. No error if it is gone."""
        try:
            client("ec2").delete_security_group(GroupId=group_id)
        except ClientError as error:
            if code_of(error) == "DependencyViolation":
                return False
            if code_of(error) != "InvalidGroup.NotFound":
                raise
        return True
