"""EFS: one access point per instance, whose root directory is the instance's /data."""

from __future__ import annotations

from botocore.exceptions import ClientError

from services.aws import SHORT_TIMEOUT, client, code_of
from services.settings import Settings

OWNER = 1000  # the user and group of Foundry's container from version 13 on (docs/sources.md, The container image)


class Efs:
    """The file system of the members' data."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def make_access_point(self, instance_id: str) -> str:
        """Make the instance's access point and return its id; EFS creates the directory at first mount."""
        try:
            answer = client("efs").create_access_point(
                ClientToken=instance_id,
                FileSystemId=self._settings.file_system_id,
                PosixUser={"Uid": OWNER, "Gid": OWNER},
                RootDirectory={
                    "Path": f"/instances/{instance_id}",
                    "CreationInfo": {"OwnerUid": OWNER, "OwnerGid": OWNER, "Permissions": "0750"},
                },
                Tags=[
                    {"Key": "Name", "Value": f"{self._settings.stack}-{instance_id}"},
                    {"Key": "stack", "Value": self._settings.stack},
                ],
            )
        except ClientError as error:
            if code_of(error) != "AccessPointAlreadyExists":
                raise
            answer = error.response  # the error names the access point made by the first attempt
        return str(answer["AccessPointId"])

    def find_access_points(self, instance_id: str) -> list[str]:
        """The access points made for the instance; reads them all, so only for repeating lost work."""
        pages = client("efs").get_paginator("describe_access_points")
        return [
            point["AccessPointId"]
            for page in pages.paginate(FileSystemId=self._settings.file_system_id)
            for point in page["AccessPoints"]
            if point.get("ClientToken") == instance_id
        ]

    def delete_access_point(self, access_point_id: str) -> None:
        """Delete an access point; its files stay. No error if it is gone."""
        try:
            client("efs").delete_access_point(AccessPointId=access_point_id)
        except ClientError as error:
            if code_of(error) != "AccessPointNotFound":
                raise

    def check(self) -> None:
        """Raise if the file system does not answer or is not available."""
        answer = client("efs", SHORT_TIMEOUT).describe_file_systems(
            FileSystemId=self._settings.file_system_id
        )
        if answer["FileSystems"][0]["LifeCycleState"] not in ("available", "updating"):
            raise RuntimeError("the file system is not available")
