"""template.yaml gives the function what the code takes: its environment and its permissions."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from actions.instances.starting import PURGE_SIZE
from actions.webhooks.deliver_webhooks import HOPEFUL_SECONDS
from services.settings import TABLES, Settings
from tests import world
from tests.template import Stack


class Loader(yaml.SafeLoader):
    """YAML with CloudFormation's short forms, each kept as a mapping from its name."""


def _short(loader: Loader, suffix: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return {suffix: loader.construct_scalar(node)}
    if isinstance(node, yaml.SequenceNode):
        return {suffix: loader.construct_sequence(node, deep=True)}
    return {suffix: loader.construct_mapping(node, deep=True)}


Loader.add_multi_constructor("!", _short)
TEMPLATE = yaml.load(Path("template.yaml").read_text(), Loader)  # noqa: S506 - a SafeLoader
RESOURCES = TEMPLATE["Resources"]
FROM_LAMBDA = {"aws_region", "aws_lambda_function_name", "aws_lambda_function_version"}

# Where permissions are not called like the operation.
PREFIXES = {"efs:": "elasticfilesystem:", "elbv2:": "elasticloadbalancing:"}
PERMISSIONS: dict[str, tuple[str, ...]] = {
    "dynamodb:TransactWriteItems": (),  # authorised as the writes in it, which BESIDES holds
    "s3:PutPublicAccessBlock": ("s3:PutBucketPublicAccessBlock",),
    "s3:PutBucketCors": ("s3:PutBucketCORS",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:HeadObject": ("s3:GetObject",),
    "s3:ListParts": ("s3:ListMultipartUploadParts",),
    "s3:CreateMultipartUpload": ("s3:PutObject",),
    "s3:CompleteMultipartUpload": ("s3:PutObject",),
    "s3:PutBucketLifecycleConfiguration": ("s3:PutLifecycleConfiguration",),
    "s3:DeleteObjects": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
    "s3:CreateBucket": ("s3:CreateBucket", "s3:PutBucketOwnershipControls"),
    "lambda:Invoke": ("lambda:InvokeFunction",),
    "bedrock-runtime:Converse": ("bedrock:InvokeModel",),
}
# What calls need besides what they are called: writes within transactions, tags set on creation, roles passed.
BESIDES = {
    "s3:ListBucket",  # makes S3 say that something is not there
    "dynamodb:PutItem",
    "dynamodb:UpdateItem",
    "dynamodb:DeleteItem",
    "ecs:TagResource",
    "elasticfilesystem:TagResource",
    "secretsmanager:TagResource",
    "iam:TagUser",
    "iam:TagRole",
    "iam:PassRole",
    "elasticloadbalancing:AddTags",
    "sqs:SendMessage",
    "ec2:CreateTags",
    "s3:PutObject",
    # by Lambda, which takes a queue's messages and a stream's records in the function's name
    "dynamodb:DescribeStream",
    "dynamodb:GetRecords",
    "dynamodb:GetShardIterator",
    "dynamodb:ListStreams",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
    "xray:PutTraceSegments",
    "xray:PutTelemetryRecords",
    "logs:CreateLogStream",
    "logs:PutLogEvents",
}


def called() -> set[str]:
    """The permissions behind every `client("service").operation` of services/."""
    needed: set[str] = set()
    for path in Path("services").glob("*.py"):
        for service, method in _operations(ast.parse(path.read_text())):
            operation = "".join(part.title() for part in method.split("_"))
            prefix = f"{service}:"
            plain = (PREFIXES.get(prefix, prefix) + operation,)
            needed |= set(PERMISSIONS.get(prefix + operation, plain))
    return needed


def _operations(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in ast.walk(tree):
        if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Call):
            continue
        if isinstance(node.value.func, ast.Name) and node.value.func.id == "client":
            yield ast.literal_eval(node.value.args[0]), _paged(tree, node) or node.attr


def _paged(tree: ast.Module, attribute: ast.Attribute) -> str | None:
    """What a paginator pages through."""
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Call)
            and node.func is attribute
            and attribute.attr == "get_paginator"
        ):
            return str(ast.literal_eval(node.args[0]))
    return None


def statements() -> list[dict[str, Any]]:
    """The statements of the function's role."""
    attached = RESOURCES["FunctionRole"]["Properties"]["ManagedPolicyArns"]
    policies = [RESOURCES[policy["Ref"]]["Properties"] for policy in attached]
    found = [s for policy in policies for s in policy["PolicyDocument"]["Statement"]]
    return [s["If"][1] if "If" in s else s for s in found]  # a conditional statement


def allowed() -> set[str]:
    """The actions that the function's role allows."""
    actions = [s["Action"] for s in statements()]
    return {a for action in actions for a in ([action] if isinstance(action, str) else action)}


def test_the_function_is_given_every_setting_and_nothing_else():
    given = RESOURCES["Function"]["Properties"]["Environment"]["Variables"]
    fields = set(Settings.model_fields) - FROM_LAMBDA
    ours = {name for name in given if not name.startswith("PYDANTIC")}
    assert ours == {name.upper() for name in fields}


def test_the_role_allows_what_the_code_calls():
    assert called() - allowed() == set()


def test_the_role_allows_no_more():
    assert allowed() - called() - BESIDES == set()


def test_a_wildcard_resource_has_a_comment_that_says_why():
    lines = Path("template.yaml").read_text().splitlines()
    bare = [n for n, line in enumerate(lines, 1) if re.search(r'(Resource:|- ) *"\*"\s*$', line)]
    assert bare == [], "say why"


@pytest.mark.parametrize("logical_id", ["AutoShutdown", "SessionPreparation"])
def test_both_schedules_send_the_contracts_payload(logical_id):
    text = Path("template.yaml").read_text()
    action = {"AutoShutdown": "auto-shutdown-check", "SessionPreparation": "prepare-sessions"}
    assert f'{{"action": "{action[logical_id]}", "userId": "system"}}' in text.replace(
        '":"', '": "'
    ).replace('","', '", "')


def test_logs_are_kept_three_days():
    groups = [r for r in RESOURCES.values() if r["Type"] == "AWS::Logs::LogGroup"]
    assert {group["Properties"]["RetentionInDays"] for group in groups} == {3}


def test_every_table_is_on_demand_recoverable_and_protected_in_production():
    tables = [r["Properties"] for r in RESOURCES.values() if r["Type"] == "AWS::DynamoDB::Table"]
    assert {table["TableName"]["Sub"] for table in tables} == {
        f"${{AWS::StackName}}-{what}" for what in TABLES
    }
    assert set(TABLES) == world.TABLES.keys()
    for table in tables:
        assert table["BillingMode"] == "PAY_PER_REQUEST"
        assert table["PointInTimeRecoverySpecification"]["PointInTimeRecoveryEnabled"] is True
        assert table["DeletionProtectionEnabled"] == {"If": ["Protected", True, False]}


def test_the_tests_tables_have_the_templates_keys_and_indexes(aws):
    tables = [r["Properties"] for r in RESOURCES.values() if r["Type"] == "AWS::DynamoDB::Table"]
    for table in tables:
        what = table["TableName"]["Sub"].removeprefix("${AWS::StackName}-")
        made = world.client("dynamodb").describe_table(TableName=world.table_of(what))["Table"]
        assert made["KeySchema"] == table["KeySchema"], what
        found, wanted = (
            {
                index["IndexName"]: (index["KeySchema"], index["Projection"]["ProjectionType"])
                for index in side.get("GlobalSecondaryIndexes", [])
            }
            for side in (made, table)
        )
        assert found == wanted, what


def test_what_the_code_lets_expire_expires():
    tables = {
        path.stem for path in Path("services").glob("*.py") if "expiresAt" in path.read_text()
    }
    assert tables == {"registry", "sessions", "invocations", "tenant_functions"}
    for name in tables:
        told = RESOURCES[f"{name.removeprefix('tenant_').title()}Table"]["Properties"][
            "TimeToLiveSpecification"
        ]
        assert told == {"AttributeName": "expiresAt", "Enabled": True}


def test_the_queue_of_webhooks_and_the_key_are_where_the_function_looks_for_them():
    stack = Stack("foundry-dev", partition="aws-cn", region="cn-northwest-1")
    environment = stack.properties("Function")["Environment"]["Variables"]
    given = {name.lower(): str(value) for name, value in environment.items()}
    by_lambda = {"aws_region": stack.region, "aws_lambda_function_name": "function"}
    settings = Settings.model_validate(given | by_lambda)
    assert settings.webhook_queue_arn == stack.attribute("WebhookQueue.Arn")
    assert settings.webhook_key == stack.properties("WebhookKey")["Name"]
    assert settings.sandbox is False


def test_the_queue_of_webhooks_waits_as_long_as_lambda_wants_and_longer_than_the_function_tries():
    queue = RESOURCES["WebhookQueue"]["Properties"]
    assert queue["VisibilityTimeout"] >= 6 * TEMPLATE["Globals"]["Function"]["Timeout"]
    attempts = int(math.log2(900 / 15)) + 1 + HOPEFUL_SECONDS // 900
    assert queue["RedrivePolicy"]["maxReceiveCount"] >= 5 + attempts
    source = RESOURCES["Function"]["Properties"]["Events"]["ToldToWebhooks"]["Properties"]
    assert source["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_a_purge_task_is_billed_for_the_size_that_it_has():
    purge = RESOURCES["PurgeTask"]["Properties"]
    assert (int(purge["Cpu"]), int(purge["Memory"])) == PURGE_SIZE


def test_several_settings_in_one_are_the_same_in_the_template_and_in_the_code():
    given = Stack().properties("Function")["Environment"]["Variables"]
    for name in ("PRICES", "DAILY_USES", "SAVES_KEPT", "FUNCTION_QUOTA"):
        assert given[name] == Settings.model_fields[name.lower()].default
