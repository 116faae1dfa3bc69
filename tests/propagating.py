"""An AWS that tells its own parts late: what was made a moment ago is refused, as on the real one.

It hangs in botocore's event system like tests/aws_calls.py; the emulator itself forgets nothing and lags nowhere.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import botocore.handlers
from botocore.exceptions import ClientError

Params = dict[str, Any]
NOT_YET = "Access Denied"
NOBODY_MAY = (
    "User: arn:aws:sts::123456789012:assumed-role/r/s is not authorized to perform: s3:PutBucketPolicy on "
    'resource: "arn:aws:s3:::b" because no identity-based policy allows the s3:PutBucketPolicy action'
)
UNKNOWN_ROLE = "ECS was unable to assume the role that was provided for this task."

# What a call leaves unsettled: the kind of unrest, and the parameter that names what it is about.
UNSETTLES = {
    "CreateBucket": ("bucket", "Bucket"),
    "PutPublicAccessBlock": ("block", "Bucket"),
    "CreateUser": ("user", "UserName"),
    "CreateRole": ("role", "RoleName"),
    "DeleteAccessKey": ("keys", "UserName"),
    "DeleteRolePolicy": ("role policies", "RoleName"),
}
# What is refused meanwhile, and how.
REFUSES = {
    "PutPublicAccessBlock": ("bucket", "Bucket", "NoSuchBucket", "The bucket does not exist"),
    "PutBucketPolicy": ("block", "Bucket", "AccessDenied", NOT_YET),
    "PutUserPolicy": ("user", "UserName", "NoSuchEntity", "There is no such user"),
    "CreateAccessKey": ("user", "UserName", "NoSuchEntity", "There is no such user"),
    "PutRolePolicy": ("role", "RoleName", "NoSuchEntity", "There is no such role"),
    "RegisterTaskDefinition": ("role", "taskRoleArn", "ClientException", "Role is not valid"),
    "DeleteUser": ("keys", "UserName", "DeleteConflict", "Cannot delete: delete access keys first"),
    "DeleteRole": ("role policies", "RoleName", "DeleteConflict", "Cannot delete: policies first"),
}


@dataclass
class Propagation:
    """How often what is fresh is refused, and what was."""

    refusals: int = 0
    words: str = ""  # instead of those above
    refused: Counter[str] = field(default_factory=Counter)
    _left: Counter[tuple[str, str]] = field(default_factory=Counter)

    def begin(self, refusals: int = 0, words: str = "") -> None:
        """From now on refuse what is fresh so many times."""
        self.refusals, self.words = refusals, words
        self.refused.clear()
        self._left.clear()

    def before(self, operation: str, params: Params) -> None:
        """Called by botocore before it builds a request."""
        if not self.refusals:
            return
        if operation == "RunTask":
            self._refuse(operation, ("assumed", _family(params)), "ClientException", UNKNOWN_ROLE)
        if operation in REFUSES:
            kind, named, code, words = REFUSES[operation]
            self._refuse(operation, (kind, _name(params[named])), code, words)
        if operation == "RegisterTaskDefinition":
            self._left["assumed", params["family"]] = self.refusals
        if operation in UNSETTLES:
            kind, named = UNSETTLES[operation]
            self._left[kind, params[named]] = self.refusals

    def _refuse(self, operation: str, what: tuple[str, str], code: str, words: str) -> None:
        if not self._left[what]:
            return
        self._left[what] -= 1
        self.refused[operation] += 1
        raise ClientError({"Error": {"Code": code, "Message": self.words or words}}, operation)


def _name(given: str) -> str:
    return given.split("/")[-1]


def _family(params: Params) -> str:
    return _name(params["taskDefinition"]).split(":")[0]


PROPAGATION = Propagation()


def _before(params: Params, model: Any, **_: Any) -> None:
    PROPAGATION.before(model.name, params)


botocore.handlers.BUILTIN_HANDLERS.append(("before-parameter-build", _before))
