"""IAM: one user per instance, limited to the instance's bucket.

Task-role credentials do not reach Foundry (docs/sources.md, Foundry), hence a user with an access key.
"""

from __future__ import annotations

import json
from functools import partial

from botocore.exceptions import ClientError

from services.aws import client, code_of
from services.concurrency import concurrently
from services.propagation import GONE, codes, once_known, unless_gone
from services.settings import Settings

_POLICY = "bucket"


class Iam:
    """The users by which the instances reach their buckets."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def make_user(self, instance_id: str, bucket: str) -> tuple[str, str]:
        """Make the instance's user; returns a new access key's id and secret.

        A key's secret is shown once. Repeating this therefore throws away the keys made before.
        """
        user = self._name(instance_id)
        existed = False
        try:
            client("iam").create_user(
                UserName=user,
                Path=f"/{self._settings.stack}/",
                PermissionsBoundary=self._settings.bucket_user_boundary_arn,
                Tags=[{"Key": "stack", "Value": self._settings.stack}],
            )
        except ClientError as error:
            if code_of(error) != "EntityAlreadyExists":
                raise
            existed = True
        policy = json.dumps(self._only(bucket))
        put = partial(client("iam").put_user_policy, PolicyName=_POLICY, PolicyDocument=policy)
        once_known(partial(put, UserName=user), codes(GONE))
        if existed:
            self._delete_keys(user)
        make_key = partial(client("iam").create_access_key, UserName=user)
        key = once_known(make_key, codes(GONE))["AccessKey"]
        return key["AccessKeyId"], key["SecretAccessKey"]

    def delete_user(self, instance_id: str) -> None:
        """Delete the instance's user with its keys and policy; no error if it is gone."""
        user = self._name(instance_id)
        delete_policy = partial(client("iam").delete_user_policy, PolicyName=_POLICY)
        concurrently(
            lambda: unless_gone(lambda: self._delete_keys(user)),
            lambda: unless_gone(lambda: delete_policy(UserName=user)),
        )
        delete = partial(client("iam").delete_user, UserName=user)
        unless_gone(lambda: once_known(delete, codes("DeleteConflict")))

    def _name(self, instance_id: str) -> str:
        return f"{self._settings.stack}-{instance_id}"

    def _delete_keys(self, user: str) -> None:
        for key in client("iam").list_access_keys(UserName=user)["AccessKeyMetadata"]:
            client("iam").delete_access_key(UserName=user, AccessKeyId=key["AccessKeyId"])

    def _only(self, bucket: str) -> dict[str, object]:
        """What Foundry's S3 browser needs, and nothing else (docs/sources.md, Foundry)."""
        return {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Action": [
                        "s3:GetObject",
                        "s3:PutObject",
                        "s3:PutObjectAcl",
                        "s3:DeleteObject",
                    ],
                    "Resource": f"arn:{self._settings.partition}:s3:::{bucket}/*",
                },
                {
                    "Effect": "Allow",
                    "Action": ["s3:ListBucket", "s3:GetBucketLocation"],
                    "Resource": f"arn:{self._settings.partition}:s3:::{bucket}",
                },
                # IAM knows no resource for this action; Foundry calls it to offer the bucket.
                {"Effect": "Allow", "Action": "s3:ListAllMyBuckets", "Resource": "*"},
            ],
        }
