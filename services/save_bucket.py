"""S3: the bucket of the saves, in which each instance's repository is, and what its file tasks report.

repositories/<repository>/…          restic's own; the function never reads it
results/<repository>/<run>.json      what came of a run, written whole by its task
progress/<repository>/<run>.json     how far one is
exports/<repository>/<run>.zip       what a member may download; expires
imports/<repository>/<upload>        what one has uploaded; expires (services/uploads.py)
"""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError

from services.aws import DEFAULT, SHORT_TIMEOUT, SIGNED, Config, client, code_of
from services.errors import Unfinished
from services.settings import Settings

_LONGEST = 1_000_000  # bytes of a report
_PAGES = 50  # of a thousand versions each
PREFIXES = ("repositories", "results", "progress", "exports", "imports")
EXPORT_SECONDS = 86400  # for which an export can be downloaded (template.yaml, SavesBucket)


class SaveBucket:
    """What is read and removed there. Only file tasks write."""

    def __init__(self, settings: Settings) -> None:
        self._bucket = settings.saves_bucket

    @property
    def address(self) -> str:
        """Where S3 answers, as the tasks are told."""
        service = client("s3")
        return str(service.meta.endpoint_url)

    def export_address(self, repository: str, run_id: str, name: str, seconds: int) -> str:
        """An address at which whoever knows it downloads what a run has exported, for so many seconds at most.

        It ends with the credentials that sign it, which are the function's role's (S3, Presigned URLs).
        """
        where = {
            "Bucket": self._bucket,
            "Key": f"exports/{repository}/{run_id}.zip",
            "ResponseContentDisposition": f'attachment; filename="{name}"',
        }
        s3 = client("s3", SIGNED)
        return str(s3.generate_presigned_url("get_object", where, ExpiresIn=seconds))

    def result(self, repository: str, run_id: str) -> dict[str, Any] | None:
        """What a run's task has reported, or None. S3 shows at once what was written (S3, consistency model)."""
        return self._read(f"results/{repository}/{run_id}.json")

    def progress(self, repository: str, run_id: str) -> dict[str, Any] | None:
        """How far a run's task was a few seconds ago, or None. Nobody waits long for it."""
        return self._read(f"progress/{repository}/{run_id}.json", SHORT_TIMEOUT)

    def _read(self, key: str, config: Config = DEFAULT) -> dict[str, Any] | None:
        try:
            body = (
                client("s3", config).get_object(Bucket=self._bucket, Key=key)["Body"].read(_LONGEST)
            )
        except ClientError as error:
            if code_of(error) != "NoSuchKey":
                raise
            return None
        try:
            found = json.loads(body)
        except ValueError:
            return None
        return found if isinstance(found, dict) else None

    def delete(self, repository: str) -> None:
        """Delete all that there is of a repository, with every version; repeating it is harmless.

        Raises Unfinished when there was more of it than fits into one go, of about a minute.
        """
        for prefix in PREFIXES:
            self._delete(f"{prefix}/{repository}/")

    def _delete(self, prefix: str) -> None:
        pages = client("s3").get_paginator("list_object_versions")
        for number, page in enumerate(pages.paginate(Bucket=self._bucket, Prefix=prefix)):
            if number == _PAGES:
                raise Unfinished(prefix)
            found = page.get("Versions", []) + page.get("DeleteMarkers", [])
            keys = [{"Key": o["Key"], "VersionId": o["VersionId"]} for o in found]
            if keys:
                answer = client("s3").delete_objects(
                    Bucket=self._bucket, Delete={"Objects": keys, "Quiet": True}
                )
                for error in answer.get("Errors", ()):
                    raise RuntimeError(f"the saves keep {error['Key']}: {error['Message']}")
