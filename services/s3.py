"""S3: one bucket per instance for its maps, tokens and sounds.

Foundry uploads with the ACL public-read and players' browsers fetch without signing, so ACLs are
allowed, public access is not blocked and CORS lets the instance's own pages in (docs/sources.md, Foundry).
"""

from __future__ import annotations

import json
from functools import partial
from typing import Any

from botocore.exceptions import ClientError

from services.aws import client, code_of
from services.errors import Unfinished
from services.propagation import codes, once_known
from services.settings import Settings

_PAGES = 50  # of a thousand versions each
# What was deleted or overwritten can be had again for a month; without this it would be paid for ever.
_EXPIRY = {
    "ID": "old-versions",
    "Status": "Enabled",
    "Filter": {"Prefix": ""},
    "NoncurrentVersionExpiration": {"NoncurrentDays": 30},
    "Expiration": {"ExpiredObjectDeleteMarker": True},
    "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 7},
}
_UNBLOCKED = {
    "BlockPublicAcls": False,
    "IgnorePublicAcls": False,
    "BlockPublicPolicy": False,
    "RestrictPublicBuckets": False,
}
# The bucket is not known everywhere yet, the lifted block is not, or a setting of a moment ago is still being made.
_PASSING = codes("NoSuchBucket", "AccessDenied", "OperationAborted")


class S3:
    """The buckets of the members' assets."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def make_bucket(self, bucket: str, origin: str) -> None:
        """Make a bucket that the pages of `origin` may use; repeating it completes a half-made one.

        One call after the other: S3 answers OperationAborted to settings of one bucket made at once.
        """
        self._create(bucket)
        for setting in (
            partial(
                client("s3").put_public_access_block, PublicAccessBlockConfiguration=_UNBLOCKED
            ),
            partial(client("s3").put_bucket_policy, Policy=json.dumps(self._readable(bucket))),
            partial(client("s3").put_bucket_cors, CORSConfiguration=_for_pages_of(origin)),
            partial(
                client("s3").put_bucket_versioning, VersioningConfiguration={"Status": "Enabled"}
            ),
            partial(
                client("s3").put_bucket_lifecycle_configuration,
                LifecycleConfiguration={"Rules": [_EXPIRY]},
            ),
        ):
            once_known(partial(setting, Bucket=bucket), _PASSING)

    def _create(self, bucket: str) -> None:
        region = self._settings.aws_region
        # us-east-1 is the one region that must not be named (S3 API, CreateBucket).
        place = {} if region == "us-east-1" else {"LocationConstraint": region}
        options = {"CreateBucketConfiguration": place} if place else {}
        try:
            client("s3").create_bucket(
                Bucket=bucket, ObjectOwnership="BucketOwnerPreferred", **options
            )
        except ClientError as error:
            if code_of(error) != "BucketAlreadyOwnedByYou":
                raise

    def delete_bucket(self, bucket: str) -> None:
        """Delete a bucket with every version of every object; no error if it is gone.

        Raises Unfinished when there was more in it than fits into one go, of about a minute.
        """
        listed = client("s3").get_paginator("list_object_versions").paginate(Bucket=bucket)
        try:
            for number, page in enumerate(listed):
                if number == _PAGES:
                    raise Unfinished(bucket)
                found = page.get("Versions", []) + page.get("DeleteMarkers", [])
                keys = [{"Key": o["Key"], "VersionId": o["VersionId"]} for o in found]
                if keys:
                    answer = client("s3").delete_objects(
                        Bucket=bucket, Delete={"Objects": keys, "Quiet": True}
                    )
                    for error in answer.get("Errors", ()):
                        raise RuntimeError(f"{bucket} keeps {error['Key']}: {error['Message']}")
            client("s3").delete_bucket(Bucket=bucket)
        except ClientError as error:
            if code_of(error) != "NoSuchBucket":
                raise

    def _readable(self, bucket: str) -> dict[str, object]:
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Sid": "PlayersRead",
                    "Effect": "Allow",
                    "Principal": "*",
                    "Action": "s3:GetObject",
                    "Resource": f"arn:{self._settings.partition}:s3:::{bucket}/*",
                }
            ],
        }


def _for_pages_of(origin: str) -> dict[str, Any]:
    rule = {
        "AllowedHeaders": ["*"],
        "AllowedMethods": ["GET", "POST", "HEAD"],
        "AllowedOrigins": [origin],
        "ExposeHeaders": ["ETag"],
        "MaxAgeSeconds": 3000,
    }
    return {"CORSRules": [rule]}
