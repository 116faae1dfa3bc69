"""How AWS lets things be spelled, where the emulator takes anything. Always in force (tests/lagging/strictness.py).

By call: where the text is in its parameters, and what it may be (each service's API reference; for tags, "Tagging
your Amazon ECS resources", Tag restrictions, which other services share).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_ECS_NAME, _IAM_NAME = r"[A-Za-z0-9_-]{1,255}", r"[\w+=,.@-]{1,64}"
_BUCKET = (
    r"(?!xn--|sthree-)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]"  # without points, which TLS would not take
)
_SECRET = r"[A-Za-z0-9/_+=.@!-]{1,512}"
_GROUP = r"[A-Za-z0-9]([A-Za-z0-9-]{0,30}[A-Za-z0-9])?"
_HOST = r"([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]+\.?"
_NETWORK_GROUP = r"(?!sg-)[A-Za-z0-9 ._:/()#,@[\]+=&;{}!$*-]{1,255}"
SPELLED = {
    "ec2.CreateSecurityGroup": {"GroupName": _NETWORK_GROUP, "Description": _NETWORK_GROUP},
    "ecs.CreateService": {"serviceName": _ECS_NAME, "clientToken": r"[\x21-\x7e]{1,36}"},
    "ecs.RegisterTaskDefinition": {"family": _ECS_NAME},
    "ecs.RunTask": {"startedBy": r"[A-Za-z0-9_/-]{1,128}", "clientToken": r"[\x21-\x7e]{1,64}"},
    "efs.CreateAccessPoint": {"ClientToken": r"[\x21-\x7e]{1,64}"},
    "elbv2.CreateTargetGroup": {"Name": _GROUP},
    "iam.CreateRole": {"RoleName": _IAM_NAME},
    "iam.CreateUser": {"UserName": _IAM_NAME},
    "iam.PutRolePolicy": {"PolicyName": r"[\w+=,.@-]{1,128}"},
    "iam.PutUserPolicy": {"PolicyName": r"[\w+=,.@-]{1,128}"},
    "s3.CreateBucket": {"Bucket": _BUCKET},
    "secretsmanager.CreateSecret": {"Name": _SECRET},
}
_TAG_KEY, _TAG_VALUE = (
    re.compile(r"(?!aws:)[\w\s+=.:/@-]{1,128}"),
    re.compile(r"[\w\s+=.:/@-]{0,256}"),
)


def misspelled(name: str, asked: dict[str, Any]) -> str | None:
    """What AWS would not take of a call's parameters, in words; None if it takes all."""
    for field, allowed in SPELLED.get(name, {}).items():
        if field in asked and not re.fullmatch(allowed, asked[field], re.ASCII):
            return f"{field} {asked[field]!r}"
    for key, value in _tags(asked):
        if not _TAG_KEY.fullmatch(key) or not _TAG_VALUE.fullmatch(value):
            return f"tag {key!r}: {value!r}"
    if name == "route53.ChangeResourceRecordSets":
        for change in asked["ChangeBatch"]["Changes"]:
            record = change["ResourceRecordSet"]["Name"]
            if not re.fullmatch(_HOST, record):
                return f"record {record!r}"
    return None


def _tags(asked: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The tags among a call's parameters, however the service writes them."""
    for tag in asked.get("tags", asked.get("Tags", ())):
        given = {field.lower(): text for field, text in tag.items()}
        yield given["key"], given["value"]
