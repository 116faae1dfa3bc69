"""CloudWatch Logs: what containers of members' functions have written, a stream for each task."""

from __future__ import annotations

from collections.abc import Iterator

from botocore.exceptions import ClientError

from services.aws import client, code_of
from services.settings import Settings


class TaskLogs:
    """The streams of functions in the group of all containers."""

    def __init__(self, settings: Settings) -> None:
        self._group = settings.task_log_group

    def delete(self, prefix: str) -> None:
        """Delete the streams of a function's tasks."""
        for name in list(self._streams(prefix)):
            try:
                client("logs").delete_log_stream(logGroupName=self._group, logStreamName=name)
            except ClientError as error:
                if code_of(error) != "ResourceNotFoundException":
                    raise

    def _streams(self, prefix: str) -> Iterator[str]:
        pages = client("logs").get_paginator("describe_log_streams")
        found = pages.paginate(logGroupName=self._group, logStreamNamePrefix=f"{prefix}/")
        return (stream["logStreamName"] for page in found for stream in page["logStreams"])
