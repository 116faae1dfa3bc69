"""All that there is in the emulated AWS, and the same without what differs from run to run."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Collection
from difflib import unified_diff
from functools import lru_cache
from typing import Any

import boto3
from botocore.exceptions import ClientError

from services.ecs import revision_of
from tests import world
from tests.fargate import CLUSTER, LOGS
from tests.faults.stage import FILES
from tests.lagging import services
from tests.model import emulated
from tests.recount import disagreements

Inventory = dict[str, Any]

_TIMES = re.compile(
    r"(^at|At|[Ss]ince|[Uu]ntil|lastStarted|seconds|cost|storage|storedCost|revision)$"
)
_RANDOM = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<uuid>"),
    (re.compile(r"save-\d{10}-[0-9a-f]{4}"), "<save>"),
    (re.compile(r"(-invoke-)\d{10}(-[0-9a-f]{4})?"), r"\1<time>"),
    (re.compile(r"(/inputs/[^?]*)\?.*"), r"\1<signed>"),
    (re.compile(r"fsap-[0-9a-f]+|[0-9a-f]{12,}"), "<id>"),
    (re.compile(r"\b[A-Za-z0-9]{50,}\b"), "<upload>"),
    (re.compile(r"(:secret:[^:]+-)\w{6}"), r"\1<x>"),
    (re.compile(r"(:task-definition/[^:]+:)\d+"), r"\1<n>"),
    (re.compile(r"\b10(\.\d+){3}\b"), "<address>"),
)


@lru_cache(maxsize=16)
def aws(service: str) -> Any:
    """The test's own client for a service; making one takes longer than many calls."""
    return boto3.client(service)  # type: ignore[call-overload]


def inventory(*parts: str) -> Inventory:
    """Everything, or some parts, comparable between two runs: without times and random parts of names."""
    return _plain(everything(*parts))


def everything(*parts: str) -> Inventory:
    """Everything, or some parts, as AWS shows it; of secrets, not the values."""
    return {part: _PARTS[part]() for part in parts or _PARTS}


def differences(wanted: Inventory, found: Inventory) -> str:
    """What `found` has differently, line by line; empty if nothing."""
    left, right = (json.dumps(side, indent=1, default=str).splitlines() for side in (wanted, found))
    return "\n".join(unified_diff(left, right, "wanted", "found", lineterm="", n=2))


def regardless_of_repeats(found: Inventory) -> Inventory:
    """An inventory without how often there was what is over: tasks of functions and files, their bills, saves."""
    kept = {part: value for part, value in found.items() if part not in ("tasks", "bills")}
    for part in ("tasks", "bills", "log streams", "saved"):
        kept[part] = _once_each(found[part])
    tables = dict(found["tables"])
    tables |= {table: _once_each(tables[table]) for table in ("runs", "saves")}
    ledger = [without(item, ("runs", "function")) for item in tables["ledger"]]
    tables["ledger"] = _once_each([item for item in ledger if len(item) > 2])
    functions = [without(item, ("failures",)) for item in tables["functions"]]
    jobs = [item for item in functions if "jobName" in item]
    tables["functions"] = [item for item in functions if item not in jobs] + _once_each(jobs)
    return dict(kept, tables=tables)


def regardless_of_races(found: Inventory) -> Inventory:
    """An inventory without what a save leaves that was under way: itself, what is known of it, what it costs."""
    kept = {part: value for part, value in found.items() if part not in ("saved", "bills", "tasks")}
    tables = {
        name: items for name, items in found["tables"].items() if name not in ("saves", "runs")
    }
    return without(dict(kept, tables=tables), _OF_A_SAVE)


_OF_A_SAVE = ("saved", "lastSave", "stored", "checked", "unsaved", "runs")


def _once_each(members: list[Any]) -> list[Any]:
    return [member for place, member in enumerate(members) if member not in members[:place]]


def without(value: Any, names: Collection[str]) -> Any:
    """`value` without what has one of these names."""
    if isinstance(value, dict):
        return {n: without(member, names) for n, member in value.items() if n not in names}
    return [without(member, names) for member in value] if isinstance(value, list) else value


def items(table: str) -> list[dict[str, Any]]:
    """All items of a table."""
    return emulated.items(table)


def _plain(value: Any, name: str = "") -> Any:
    """`value` without times and random parts, lists in an order that does not depend on them."""
    if isinstance(value, dict):
        return {_plain(key): _plain(member, key) for key, member in sorted(value.items())}
    if isinstance(value, list):
        return sorted(
            (_plain(member) for member in value),
            key=lambda member: json.dumps(member, sort_keys=True, default=str),
        )
    # Versions tell how often somebody decided about a licence, or about a member's bookings.
    if _TIMES.search(name) or name in ("version", "bookingsVersion"):
        return "<figure>"
    if isinstance(value, str):
        for pattern, instead in _RANDOM:
            value = pattern.sub(instead, value)
    return value


def _tasks(cluster: str = world.STACK) -> list[dict[str, Any]]:
    arns = [
        arn
        for status in ("RUNNING", "STOPPED")
        for arn in aws("ecs").list_tasks(cluster=cluster, desiredStatus=status)["taskArns"]
    ]
    if not arns:
        return []
    return list(aws("ecs").describe_tasks(cluster=cluster, tasks=arns)["tasks"])


def _all_items() -> Inventory:
    # Not the audit: it holds what was asked for as often as it was asked.
    # Nor the log of invocations, which may lack some.
    logs = ("audit", "lambda_invocations")
    found = {name: items(name) for name in world.TABLES if name not in logs}
    # Nor what was noted of notices: one that could not be handed over is not sent. Nor uses and attempts, of
    # which what was undone is one.
    passing = ("notice:", "uses:", "attempts:", "nonce:")
    found["registry"] = [i for i in found["registry"] if not i["name"].startswith(passing)]
    # Nor when a server that comes up was looked at: who else looks then, looks less. Nor how often a table's code
    # was made anew: each is as good as another.
    # Nor which phases of a start were seen, which events that come late or never decide.
    unlike = ("lookedAt", "codeGeneration", "arrival", "lastArrival")
    found |= {name: without(found[name], unlike) for name in ("instances", "runs")}
    found["sessions"] = [_without_excuse(session) for session in found["sessions"]]
    found["ledger"] = [item for item in map(_as_counted, found["ledger"]) if len(item) > 2]
    # Nor invocations that never began, and so may be asked for again: they cost nothing.
    found["functions"] = [_of_functions(i) for i in found["functions"] if not _never_began(i)]
    found["runs"] = [run for run in found["runs"] if not _is_for_nothing(run)]
    found["ledger"] = [entry for entry in found["ledger"] if not _is_for_nothing(entry)]
    # Nor into how many stretches the storage of saves falls, of which one without a second is none: that is a
    # matter of moments, and `books` adds them up.
    stored = [entry for entry in found["ledger"] if ":storage:" not in entry["entry"]]
    found["ledger"] = without(stored, ("storage",))
    return found


def _never_began(item: dict[str, Any]) -> bool:
    return item.get("status") == "failed" and item["cost"] == 0 and "exitCode" not in item


def _is_for_nothing(item: dict[str, Any]) -> bool:
    """Whether a run, or its entry in the ledger, is that of an invocation that never began."""
    return item.get("kind") == "job" and item.get("seconds") == 0


def _of_functions(item: dict[str, Any]) -> dict[str, Any]:
    """An item of a function without how often it was changed, and whether it says so (`is ...`)."""
    passing = {"events", "seen", "invokedAt"} | (
        {"taskArn", "seenAt"} if "jobName" in item else set()
    )
    kept = {name: value for name, value in item.items() if name not in passing and value != []}
    if "generation" in kept:
        generation, shape = kept.pop("generation"), kept.pop("shape")
        kept["is carried out"] = kept.pop("applied", 0) == generation
        kept["is defined"] = kept.pop("definitionShape", 0) == shape
        kept["oldest"] = "definition" in kept and kept.pop("oldestRevision", 1) == revision_of(
            kept["definition"]
        )
        kept["tasks"] = [without(task, ("seenAt",)) for task in kept["tasks"].values()]
        kept["secretMissing"] = bool(kept.get("secretMissing"))
    return kept


def _without_excuse(session: dict[str, Any]) -> dict[str, Any]:
    """A session without the reason why it takes a little longer to prepare."""
    waits = session["status"] == "preparing"
    return {name: value for name, value in session.items() if not (waits and name == "reason")}


def _as_counted(item: dict[str, Any]) -> dict[str, Any]:
    """A counters' item without figures, which `books` compares: a 0 is as good as nothing."""
    if not item["account"].startswith("#"):
        return item
    figures = ("version", "seconds", "cost")
    return {name: value for name, value in item.items() if value and name not in figures}


def _shown_tasks() -> list[dict[str, Any]]:
    shown = (
        "group",
        "startedBy",
        "taskDefinitionArn",
        "lastStatus",
        "desiredStatus",
        "overrides",
        "stopCode",
    )
    tasks = [*_tasks(), *_tasks(CLUSTER)]
    return [{name: task.get(name) for name in shown} for task in tasks]


def _bills() -> list[dict[str, Any]]:
    servers, functions = _tasks(), _tasks(CLUSTER)
    known_by = {task["startedBy"]: task for task in servers + functions}
    known_by |= {task["taskArn"].split("/")[-1]: task for task in functions}
    runs = {run["runId"]: run for run in items("runs")}
    billed = [_bill(run, known_by.get(run["runId"], {})) for run in runs.values()]
    unbilled = [
        {"kind": "a task without a bill", "exact": False}
        for task in functions
        if _existed(task) and not {task["startedBy"], task["taskArn"].split("/")[-1]} & runs.keys()
    ]
    return [bill for bill in billed if bill] + unbilled


def _bill(run: dict[str, Any], task: dict[str, Any]) -> dict[str, Any] | None:
    """Whether a run's bill is the time for which its task existed; None of one that may still run."""
    if "seconds" not in run and not _existed(task):
        return None
    return {"kind": run["kind"], "exact": run.get("seconds") == _existed(task)}


def _existed(task: dict[str, Any]) -> int:
    pulled, stopped = task.get("pullStartedAt"), task.get("stoppedAt")
    return int(stopped.timestamp()) - int(pulled.timestamp()) if pulled and stopped else 0


def _definitions() -> list[dict[str, Any]]:
    return [
        _definition(arn)
        for status in ("ACTIVE", "INACTIVE")
        for arn in aws("ecs").list_task_definitions(status=status)["taskDefinitionArns"]
        if "_fetch-" not in arn  # those of all; what is left over of them costs nothing
    ]


def _definition(arn: str) -> dict[str, Any]:
    answer = aws("ecs").describe_task_definition(taskDefinition=arn, include=["TAGS"])
    return dict(answer["taskDefinition"], tags=answer.get("tags"))


def _access_points() -> list[dict[str, Any]]:
    return list(aws("efs").describe_access_points()["AccessPoints"])


def _buckets() -> list[dict[str, Any]]:
    return [_bucket(bucket["Name"]) for bucket in aws("s3").list_buckets()["Buckets"]]


def _bucket(name: str) -> dict[str, Any]:
    s3 = aws("s3")
    # Inputs of invocations expire by themselves, also of those that were never decided.
    # And of saves there are reports, each of which _saved looks at.
    uncounted = name.startswith("functions-") or name == world.SAVES
    versions = {} if uncounted else s3.list_object_versions(Bucket=name)
    asked = {
        "policy": s3.get_bucket_policy,
        "cors": s3.get_bucket_cors,
        "versioning": s3.get_bucket_versioning,
        "ownership": s3.get_bucket_ownership_controls,
        "public access": s3.get_public_access_block,
    }
    return {
        "name": name,
        "objects": len(versions.get("Versions", []) + versions.get("DeleteMarkers", [])),
        **{setting: _setting(ask, name) for setting, ask in asked.items()},
    }


def _setting(ask: Any, bucket: str) -> dict[str, Any] | None:
    """A bucket's setting; None where it was never made."""
    try:
        answer = ask(Bucket=bucket)
    except ClientError as error:
        if not re.match(r"NoSuch|\w+NotFoundError", error.response["Error"]["Code"]):
            raise
        return None
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def _saved() -> list[dict[str, Any]]:
    """What each repository really holds, and what is known of it: one save as the other."""
    known = {item["snapshot"]: item for item in items("saves") if "snapshot" in item}
    reported = aws("s3").list_objects_v2(Bucket=world.SAVES).get("Contents", [])
    reports = {(of.split("/")[1], of.split("/")[2]) for of in (each["Key"] for each in reported)}
    there = {snapshot: name for name, snapshots in FILES.saved.items() for snapshot in snapshots}
    return [
        {
            "kind": known.get(snapshot, {}).get("kind"),
            "is there": snapshot in there,
            "is of": known.get(snapshot, {}).get("repository") == there.get(snapshot),
            "is leaving": "leaving" in known.get(snapshot, {}),
            "is reported": (there.get(snapshot), f"{FILES.made_by[snapshot]}.json") in reports,
        }
        for snapshot in {**known, **there}
    ]


def _files() -> list[dict[str, Any]]:
    """Whether each server's files are as some save of them is, and none half; if any are made."""
    if os.environ.get("SAVES_KEPT") == "0,0,0":
        return []
    saved = [set(snapshots.values()) for snapshots in FILES.saved.values()]
    return [
        {"half": place in FILES.half, "saved": any(content in contents for contents in saved)}
        for place, content in FILES.content.items()
        if place in {point["AccessPointId"] for point in _access_points()}
    ]


def _users() -> list[dict[str, Any]]:
    return [_user(user) for user in aws("iam").list_users()["Users"]]


def _user(user: dict[str, Any]) -> dict[str, Any]:
    iam, name = aws("iam"), user["UserName"]
    policies = iam.list_user_policies(UserName=name)["PolicyNames"]
    return {
        "path": user["Path"],
        "name": name,
        "boundary": iam.get_user(UserName=name)["User"].get("PermissionsBoundary"),
        "tags": iam.list_user_tags(UserName=name)["Tags"],
        "policies": [
            iam.get_user_policy(UserName=name, PolicyName=policy)["PolicyDocument"]
            for policy in policies
        ],
        "keys": len(_keys(name)),
    }


def _roles() -> list[dict[str, Any]]:
    return [_role(role["RoleName"]) for role in aws("iam").list_roles()["Roles"]]


def _role(name: str) -> dict[str, Any]:
    iam = aws("iam")
    role = iam.get_role(RoleName=name)["Role"]
    policies = iam.list_role_policies(RoleName=name)["PolicyNames"]
    return {
        "path": role["Path"],
        "name": name,
        "boundary": role.get("PermissionsBoundary"),
        "trust": role["AssumeRolePolicyDocument"],
        "tags": iam.list_role_tags(RoleName=name)["Tags"],
        "policies": [
            iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            for policy in policies
        ],
    }


def _keys(user: str) -> list[str]:
    found = aws("iam").list_access_keys(UserName=user)["AccessKeyMetadata"]
    return [key["AccessKeyId"] for key in found]


def _secrets() -> list[dict[str, Any]]:
    return [_secret(secret) for secret in aws("secretsmanager").list_secrets()["SecretList"]]


def _secret(secret: dict[str, Any]) -> dict[str, Any]:
    """A secret's name and keys, and whether the access key in it is its instance's."""
    values = json.loads(
        aws("secretsmanager").get_secret_value(SecretId=secret["ARN"])["SecretString"]
    )
    shown = {"name": secret["Name"], "keys": sorted(values), "tags": secret.get("Tags")}
    if "awsConfig" in values:
        user = secret["Name"].replace("/", "-")
        key = json.loads(values["awsConfig"])["credentials"]["accessKeyId"]
        shown["key is in force"] = key in _keys(user)
    return shown


def _records() -> list[dict[str, Any]]:
    (zone,) = aws("route53").list_hosted_zones()["HostedZones"]
    answer = aws("route53").list_resource_record_sets(HostedZoneId=zone["Id"])
    return list(answer["ResourceRecordSets"])


def _target_groups() -> list[dict[str, Any]]:
    return [_target_group(g) for g in aws("elbv2").describe_target_groups()["TargetGroups"]]


def _target_group(group: dict[str, Any]) -> dict[str, Any]:
    health = aws("elbv2").describe_target_health(TargetGroupArn=group["TargetGroupArn"])
    targets = [described["Target"] for described in health["TargetHealthDescriptions"]]
    return {"group": group, "targets": targets}


def _rules() -> list[dict[str, Any]]:
    """The listener's rules; a priority follows from a random id, so only the default one's counts."""
    elb = aws("elbv2")
    (balancer,) = elb.describe_load_balancers()["LoadBalancers"]
    (listener,) = elb.describe_listeners(LoadBalancerArn=balancer["LoadBalancerArn"])["Listeners"]
    rules = elb.describe_rules(ListenerArn=listener["ListenerArn"])["Rules"]
    return [rule | {"Priority": rule["Priority"] == "default"} for rule in rules]


def _services() -> list[dict[str, Any]]:
    """The services as DescribeServices truly shows them, without what they tell of their past."""
    return [without(services.shown(service), ("events",)) for service in emulated.services()]


def _security_groups() -> list[dict[str, Any]]:
    return list(aws("ec2").describe_security_groups()["SecurityGroups"])


_PARTS: dict[str, Callable[[], Any]] = {
    "tables": _all_items,
    "bills": _bills,
    "books": lambda: disagreements(items),
    "tasks": _shown_tasks,
    "services": _services,
    "security groups": _security_groups,
    "log streams": lambda: sorted(emulated.log_streams(LOGS)),
    "task definitions": _definitions,
    "access points": _access_points,
    "buckets": _buckets,
    "saved": _saved,
    "files": _files,
    "users": _users,
    "roles": _roles,
    "secrets": _secrets,
    "records": _records,
    "target groups": _target_groups,
    "rules": _rules,
}
