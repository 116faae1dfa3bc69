"""For each permission of the function's role, a scene that cannot be played without it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

from local import demo, stack
from tests.embedded.deployed import Event
from tests.embedded.member import Member
from tests.world import sample

# A scene prepares what it needs and returns the event that the permission is for. Played twice, without the
# permission and then with it, the second time succeeds.
Scene = Callable[[Member], Event]


def creating(member: Member) -> Event:
    return member.creation()


def completing(member: Member) -> Event:
    member.makes()
    member.as_if(status="creating")  # the process died just before the end
    return member.creation()


def changing_credentials(member: Member) -> Event:
    member.makes()
    return member.event(
        "change-credentials", foundryLicense=None
    )  # each scene's key would be the same


def starting(member: Member) -> Event:
    member.makes()
    return member.event("start-instance")


def finding_the_task(member: Member) -> Event:
    member.makes()
    member.starts()
    member.as_if(taskArn=None)  # the process died when ECS had answered
    return member.event("start-instance")


def looking(member: Member) -> Event:
    member.makes()
    member.starts()
    return member.event("status")


def coming_up(member: Member) -> Event:
    member.makes()
    return member.deployed.told(member.starts())


def stopping(member: Member) -> Event:
    member.makes()
    member.plays()
    return member.event("stop-instance")


def finishing_the_stop(member: Member) -> Event:
    member.makes()
    task = member.plays()
    member.as_if(status="stopping")  # decided, but the function's invocation of itself was lost
    run = member.deployed.told(task)["detail"]["startedBy"]
    return sample("finish-stop", ownerId=member.user, runId=run)


def having_stopped(member: Member) -> Event:
    member.makes()
    return member.deployed.ends(member.plays())


def having_been_saved(member: Member) -> Event:
    """The save that follows a stop has been made, and is reported."""
    member.makes()
    member.deployed.call(member.deployed.ends(member.plays()))
    return member.deployed.told(member.deployed.task(member.user), "STOPPED")


def updating(member: Member) -> Event:
    member.makes()
    return member.event("update-version", foundryVersion="14")


def destroying(member: Member) -> Event:
    member.makes()
    member.uploads_something()
    return member.event("destroy-instance")


def notifying(member: Member) -> Event:
    return sample("send-notification", about=member.user)


def ticking(_: Member) -> Event:
    return sample("prepare-sessions")


def listing(_: Member) -> Event:
    return sample("list-all", userId=demo.ADMIN)


def checking_health(_: Member) -> Event:
    return sample("health-check")


def invoking(member: Member) -> Event:
    later = {"userId": demo.ADMIN, "functionName": stack.FUNCTION, "payload": "{}"}
    return sample("invoke-async", **later)


def listing_functions(_: Member) -> Event:
    return sample("list-functions", userId=demo.ADMIN)


def describing_itself(_: Member) -> Event:
    return sample("get-function-config", userId=demo.ADMIN, functionName=stack.FUNCTION)


def telling_nobody(member: Member) -> Event:
    """A message for a webhook at which nobody answers."""
    url = "http://127.0.0.1:65535/nobody"
    made = member.asks("webhook-create", url=url)["webhook"]
    (record,) = sample("deliver-webhooks")["records"]
    body = json.loads(record["body"]) | {
        "userId": member.user,
        "webhookId": made["id"],
        "at": int(time.time()),
    }
    queue = member.deployed.queue_arn
    told = record | {"body": json.dumps(body), "eventSourceARN": queue}
    return sample("deliver-webhooks", records=[told])


def _function(member: Member, **fields: Any) -> dict[str, Any]:
    """A function of the member's, and where it is kept."""
    made = member.asks("function-create", image="clock", **fields)["function"]
    return {"userId": {"S": member.user}, "entry": {"S": f"fn:{made['name']}"}}


def carrying_out(member: Member) -> Event:
    """Of a function whose service was never asked for, as far as is known."""
    key = _function(member)
    unknown: dict[str, str | int | None] = {"serviceAskedAt": None, "definitionShape": 0}
    member.deployed.as_if("FunctionsTable", key, **unknown)
    return member.event("function-update", replicas=2)


def scaling(member: Member) -> Event:
    _function(member)
    return member.event("function-update", replicas=2)


def finding_the_group(member: Member) -> Event:
    """Of a tenant whose security group was made by a process that died."""
    key = _function(member)
    member.deployed.as_if("FunctionsTable", key | {"entry": {"S": "tenant"}}, groupId=None)
    return member.event("function-update", replicas=2)


def taking_down(member: Member) -> Event:
    """Of a deleted function, of which something is left."""
    made = member.asks("function-create", image="clock")["function"]
    member.asks("function-delete", name=made["name"])
    mark = made["id"][-12:]
    key = {"userId": {"S": member.user}, "entry": {"S": f"gone:{mark}"}}
    left: dict[str, str | int | None] = {
        "due": "function",
        "dueAt": 0,
        "deleteAskedAt": None,
        "expiresAt": None,
    }
    member.deployed.as_if("FunctionsTable", key, **left)
    member.deployed.aws.client("logs").create_log_stream(
        logGroupName=f"/ecs/{stack.STACK}", logStreamName=f"fn-{mark}/main/1"
    )
    return sample("auto-shutdown-check")


def invoking_with_a_long_input(member: Member) -> Event:
    _function(member, replicas=0)
    return member.event("function-invoke", input={"map": "x" * 9000})


def reading_logs(member: Member) -> Event:
    _function(member, replicas=0)
    return member.event("function-logs")


def going_on_with_an_upload(member: Member) -> Event:
    member.makes()
    member.asks("begin-import", bytes=1000)
    return member.event("begin-import", bytes=1000)


def uploading_something_else(member: Member) -> Event:
    member.makes()
    member.asks("begin-import", bytes=1000)
    return member.event("begin-import", bytes=2000)


def chatting(member: Member) -> Event:
    return member.event("chat")


SCENES: dict[str, Scene] = {
    "bedrock:Converse": chatting,
    "dynamodb:BatchWriteItem": invoking,
    "ec2:CreateSecurityGroup": finding_the_group,
    "ec2:DeleteSecurityGroup": taking_down,
    "ec2:DescribeSecurityGroups": finding_the_group,
    "ecs:CreateService": carrying_out,
    "ecs:DeleteService": taking_down,
    "ecs:DescribeServices": taking_down,
    "ecs:UpdateService": scaling,
    "logs:DeleteLogStream": taking_down,
    "logs:DescribeLogStreams": taking_down,
    "logs:FilterLogEvents": reading_logs,
    "s3:PutObject": invoking_with_a_long_input,
    "dynamodb:DeleteItem": destroying,
    "dynamodb:DescribeTable": checking_health,
    "dynamodb:GetItem": looking,
    "dynamodb:PutItem": creating,
    "dynamodb:Query": ticking,
    "dynamodb:Scan": listing,
    "dynamodb:UpdateItem": starting,
    "ecs:DeleteTaskDefinitions": updating,
    "ecs:DeregisterTaskDefinition": updating,
    "ecs:DescribeClusters": checking_health,
    "ecs:DescribeTasks": looking,
    "ecs:ListTasks": finding_the_task,
    "ecs:RegisterTaskDefinition": creating,
    "ecs:RunTask": starting,
    "ecs:StopTask": finishing_the_stop,
    "elasticfilesystem:CreateAccessPoint": creating,
    "elasticfilesystem:DeleteAccessPoint": destroying,
    "elasticfilesystem:DescribeAccessPoints": completing,
    "elasticfilesystem:DescribeFileSystems": checking_health,
    "elasticloadbalancing:CreateRule": coming_up,
    "elasticloadbalancing:CreateTargetGroup": coming_up,
    "elasticloadbalancing:DeleteRule": having_stopped,
    "elasticloadbalancing:DeleteTargetGroup": having_stopped,
    "elasticloadbalancing:DescribeLoadBalancers": checking_health,
    "elasticloadbalancing:DescribeRules": having_stopped,
    "elasticloadbalancing:DescribeTargetGroups": having_stopped,
    "elasticloadbalancing:ModifyRule": coming_up,
    "elasticloadbalancing:RegisterTargets": coming_up,
    "events:PutEvents": notifying,
    "iam:CreateAccessKey": creating,
    "iam:CreateRole": creating,
    "iam:CreateUser": creating,
    "iam:DeleteAccessKey": destroying,
    "iam:DeleteRole": destroying,
    "iam:DeleteRolePolicy": destroying,
    "iam:DeleteUser": destroying,
    "iam:DeleteUserPolicy": destroying,
    "iam:ListAccessKeys": destroying,
    "iam:PutRolePolicy": creating,
    "iam:PutUserPolicy": creating,
    "lambda:GetFunctionConfiguration": describing_itself,
    "lambda:InvokeFunction": stopping,
    "lambda:ListFunctions": listing_functions,
    "route53:ChangeResourceRecordSets": creating,
    "route53:GetHostedZone": checking_health,
    "route53:ListResourceRecordSets": destroying,
    "s3:AbortMultipartUpload": uploading_something_else,
    "s3:ListMultipartUploadParts": going_on_with_an_upload,
    "s3:CreateBucket": creating,
    "s3:DeleteBucket": destroying,
    "s3:DeleteObject": destroying,
    "s3:GetObject": having_been_saved,
    "s3:DeleteObjectVersion": destroying,
    "s3:ListBucketVersions": destroying,
    "s3:PutBucketCORS": creating,
    "s3:PutBucketPolicy": creating,
    "s3:PutBucketPublicAccessBlock": creating,
    "s3:PutBucketVersioning": creating,
    "s3:PutLifecycleConfiguration": creating,
    "secretsmanager:CreateSecret": creating,
    "secretsmanager:DeleteSecret": destroying,
    "secretsmanager:GetSecretValue": finishing_the_stop,
    "secretsmanager:PutSecretValue": completing,
    "secretsmanager:UpdateSecretVersionStage": changing_credentials,
    "sqs:ChangeMessageVisibility": telling_nobody,
}

# What the embedded AWS cannot miss, and why the role has it.
UNSEEN = {
    # AWS's name for what the emulator calls bedrock:Converse.
    "bedrock:InvokeModel",
    # AWS asks for these beside the call that makes the tagged thing; the emulator asks for the call alone.
    "ecs:TagResource",
    "ec2:CreateTags",
    "elasticfilesystem:TagResource",
    "elasticloadbalancing:AddTags",
    "iam:TagRole",
    "iam:TagUser",
    "secretsmanager:TagResource",
    # As above: for RunTask and RegisterTaskDefinition with roles, for CreateBucket with ObjectOwnership.
    "iam:PassRole",
    "s3:PutBucketOwnershipControls",
    # Without it a server that shows its setup screen is not stopped as idle, which takes half an hour to show.
    "cloudwatch:GetMetricStatistics",
    # Without it what has not been reported yet would be forbidden, not missing (S3, GetObject).
    "s3:ListBucket",
    # Used by Lambda for the function, not by its code.
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:SendMessage",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    # Tracing is off in the embedded run.
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}

# What is said instead of INTERNAL_ERROR where the function does without, or has a better word for it.
SAID_INSTEAD = {
    "dynamodb:BatchWriteItem": '"statusCode": 202',  # the log lacks it
    "dynamodb:DescribeTable": '"status": "unhealthy"',
    "ecs:DescribeClusters": '"status": "degraded"',
    "ec2:CreateSecurityGroup": '"status": "',  # what was asked for is noted, and the tick's
    "ec2:DeleteSecurityGroup": '"failures": 1',
    "ec2:DescribeSecurityGroups": '"status": "',
    "ecs:CreateService": '"status": "',
    "ecs:DeleteService": '"failures": 1',
    "ecs:DescribeServices": '"failures": 1',
    "ecs:UpdateService": '"status": "',
    "logs:DeleteLogStream": '"failures": 1',
    "logs:DescribeLogStreams": '"failures": 1',
    "ecs:RunTask": "AWS refused to start it",
    "elasticfilesystem:DescribeFileSystems": '"status": "degraded"',
    "elasticloadbalancing:DescribeLoadBalancers": '"status": "degraded"',
    "s3:AbortMultipartUpload": '"success": true',  # S3 makes an end of it
    "lambda:GetFunctionConfiguration": "TIMEOUT_ERROR",
    "lambda:ListFunctions": "TIMEOUT_ERROR",
    "lambda:InvokeFunction": '"status": "stopping"',  # the tick carries the stop out
    "route53:GetHostedZone": '"status": "degraded"',
    "sqs:ChangeMessageVisibility": '"failures": 1',  # it comes again by itself, only later
}
