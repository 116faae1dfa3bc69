"""S3: inputs of invocations that are too long for a task's environment. They expire within days by themselves."""

from __future__ import annotations

from services.aws import SIGNED, client
from services.settings import Settings

_READABLE_SECONDS = 3600


class Inputs:
    """The bucket of long inputs."""

    def __init__(self, settings: Settings) -> None:
        self._bucket = f"functions-{settings.stack_mark}-{settings.account}"

    def keep(self, run_id: str, text: str) -> str:
        """Store an input; returns an address at which whoever knows it can read it, for an hour at most.

        It ends with the credentials that sign it, which are the function's role's (S3, Presigned URLs).
        """
        s3 = client("s3", SIGNED)
        key = f"inputs/{run_id}.json"
        s3.put_object(
            Bucket=self._bucket, Key=key, Body=text.encode(), ContentType="application/json"
        )
        where = {"Bucket": self._bucket, "Key": key}
        return str(s3.generate_presigned_url("get_object", where, ExpiresIn=_READABLE_SECONDS))
