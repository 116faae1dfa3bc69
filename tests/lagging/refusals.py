"""What AWS refuses though nothing is wrong with the request: it is busy, has no room, or does not know yet."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.lagging import groups, services
from tests.lagging.lag import BUSY, FRESH, LAG, NO_ROOM
from tests.lagging.strictness import Reply, refusal

_THROTTLED = (
    "ecs.ListTasks",
    "ecs.DescribeTasks",
    "ecs.ListTaskDefinitions",
    "ecs.CreateService",
    "ecs.UpdateService",
    "ecs.DeleteService",
    "ecs.DescribeServices",
    "elbv2.DescribeTargetHealth",
)
INTERFACE_SECONDS = (
    60  # how long EC2 may still know the network interface of a task that has stopped
)
_OF_SERVICE = ("ecs.UpdateService", "ecs.DeleteService", "ecs.ListTasks")
# RunTask's errors (its reference, and AWS's troubleshooting pages); none of them starts anything.
NO_ROOM_SAYS = (
    ("ThrottlingException", "Rate exceeded"),
    ("ServerException", "Service Unavailable. Please try again later."),
    ("LimitExceededException", "The limit for the resource was exceeded."),
    ("ClusterNotFoundException", "Cluster not found."),
    ("ClientException", "Capacity is unavailable at this time. Please try again later."),
    ("ClientException", "You've reached the limit on the number of vCPUs you can run concurrently"),
    ("InvalidParameterException", "Rate exceeded while calling EC2."),
)


def refused(name: str, asked: dict[str, Any]) -> Reply | None:
    """The refusal of a call, if AWS will not have it just now."""
    if reply := LAG.reply_to(name):
        return reply
    chances = LAG.chances(name)
    if FRESH in LAG.ailments and (reply := _unknown(name, asked)):
        return reply
    if NO_ROOM in LAG.ailments and name == "ecs.RunTask" and LAG.refuses(chances, name, 0.25):
        LAG.altered += 1
        return refusal(*chances.choice(NO_ROOM_SAYS))
    if BUSY in LAG.ailments:
        return _busy(chances, name, asked)
    return None


def note_after(name: str, asked: dict[str, Any], answer: dict[str, Any]) -> None:
    """Remember what a call has made, or allowed, just now."""
    chances = LAG.chances(f"made by {name}")
    if name == "iam.CreateUser":
        LAG.is_new(chances, ("user", asked["UserName"]))
    if name == "s3.PutPublicAccessBlock":
        LAG.is_new(chances, ("policy", asked["Bucket"]))
    if name == "ecs.CreateService":
        LAG.is_new(chances, ("service", asked["serviceName"]))
    if name == "ec2.CreateSecurityGroup":
        for knowledge in ("group", "group shown"):  # what may use it, and what shows it
            LAG.is_new(chances, (knowledge, answer["GroupId"]))


def _unknown(name: str, asked: dict[str, Any]) -> Reply | None:
    """IAM does not find a user that was just made, S3 not that a policy may be public."""
    if name.startswith("iam.") and name != "iam.CreateUser":
        user = asked.get("UserName", "")
        if LAG.is_unknown(("user", user)):
            said = f"The user with name {user} cannot be found."
            return refusal("NoSuchEntity", said, 404)
    if name == "s3.PutBucketPolicy" and LAG.is_unknown(("policy", asked["Bucket"])):
        return refusal("AccessDenied", "public policies are blocked", 403)
    reply = _unknown_service(name, asked) or _unknown_group(name, asked) or _still_used(name, asked)
    LAG.refused += reply is not None
    return reply


def _unknown_service(name: str, asked: dict[str, Any]) -> Reply | None:
    """ECS does not find a service that was just made."""
    called = asked.get("serviceName" if name == "ecs.ListTasks" else "service", "")
    if name in _OF_SERVICE and LAG.is_unknown(("service", called.split("/")[-1])):
        return services.not_found()
    return None


def _unknown_group(name: str, asked: dict[str, Any]) -> Reply | None:
    """EC2, or ECS that asks it, does not find a security group that was just made."""
    network = asked.get("networkConfiguration", {}).get("awsvpcConfiguration", {})
    named = [asked.get("GroupId"), *asked.get("GroupIds", ()), *network.get("securityGroups", ())]
    unknown = [group for group in named if group and LAG.is_unknown(("group", group))]
    if not unknown:
        return None
    return (services.no_group if name.startswith("ecs.") else groups.not_found)(unknown[0])


def _still_used(name: str, asked: dict[str, Any]) -> Reply | None:
    """EC2 still knows the network interface of a task that has just stopped."""
    if name != "ec2.DeleteSecurityGroup":
        return None
    group, kind = asked["GroupId"], "interface of a security group"
    was_used = groups.was_in_use(group, INTERFACE_SECONDS)
    is_refused = was_used and LAG.refuses(LAG.chances(kind), kind, 0.5)
    return groups.in_use(group) if is_refused else None


def _busy(chances: Random, name: str, asked: dict[str, Any]) -> Reply | None:
    """Throttled after botocore's own tries; or a write that meets another, which botocore does not repeat."""
    if name == "dynamodb.UpdateItem" and LAG.refuses(chances, name, 0.1):
        return refusal("TransactionConflictException", "Transaction is ongoing for the item")
    if name == "dynamodb.TransactWriteItems" and LAG.refuses(chances, name, 0.15):
        return _cancelled(chances, len(asked["TransactItems"]))
    reads_index = name == "dynamodb.Query" and "IndexName" in asked
    if (name in _THROTTLED or name.startswith("logs.") or reads_index) and LAG.refuses(
        chances, name, 0.05
    ):
        LAG.refused += 1
        return refusal("ThrottlingException", "Rate exceeded")
    if name.startswith("ec2.") and LAG.refuses(chances, name, 0.05):
        LAG.refused += 1
        return refusal("RequestLimitExceeded", "Request limit exceeded.", 503)
    if name.startswith("s3.") and LAG.refuses(chances, name, 0.05):
        LAG.refused += 1
        return refusal("SlowDown", "Please reduce your request rate.", 503)
    return None


def _cancelled(chances: Random, count: int) -> Reply:
    """A transaction that meets another one, or is throttled, at one of its items."""
    code = chances.choice(["TransactionConflict", "ThrottlingError"])
    reasons: list[dict[str, str]] = [{"Code": "None"} for _ in range(count)]
    reasons[chances.randrange(count)] = {"Code": code, "Message": "Try again."}
    said = f"Transaction cancelled, please refer cancellation reasons for specific reasons [{code}]"
    return refusal("TransactionCanceledException", said, CancellationReasons=reasons)
