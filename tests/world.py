"""The AWS that the tests stand in: what the template would have made, made in the emulator.

Everything of the project is entered where its users enter: `lambda_handler`. ECS, which no emulator
plays to the end, is moved by hand: `Ecs` sets a task's state in moto and delivers the event that AWS
would send.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import boto3
from moto.ecs.models import ecs_backends

from handler import app
from services import settings
from tests.lagging.past import PAST, shown

REGION = "us-east-1"
ACCOUNT = "123456789012"
STACK = "foundry-test"
MARK = "0a1b2c3d"
DOMAIN = "play.example"
FUNCTION = "foundry-vtt-instance-management"
SAVES = f"saves-{MARK}-{ACCOUNT}"
KOFI_TOKEN = "demo-kofi-verification-token"
TOKEN_KEY = "the-key-that-signs-the-platforms-own-tokens-in-tests"
WEBHOOK_KEY = "the-key-from-which-webhooks-secrets-are-derived-in-tests"
POOL, POOL_CLIENT = "us-east-1_TestPool1", "testclient0123456789abcdef"


@lru_cache
def client(service: str) -> Any:
    """The tests' own client for a service, made once per process."""
    return boto3.client(service)  # type: ignore[call-overload]


@lru_cache
def _dynamodb() -> Any:
    return boto3.resource("dynamodb")


def build() -> dict[str, str]:
    """Make what the stack provides; returns the function's environment."""
    ec2, elb = client("ec2"), client("elbv2")
    vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
    ec2.modify_vpc_attribute(VpcId=vpc, EnableDnsHostnames={"Value": True})
    subnets = [
        ec2.create_subnet(VpcId=vpc, CidrBlock=f"10.0.{i}.0/24", AvailabilityZone=f"{REGION}{zone}")
        for i, zone in enumerate("ab")
    ]
    subnet_ids = [subnet["Subnet"]["SubnetId"] for subnet in subnets]
    group = ec2.create_security_group(GroupName="tasks", Description="tasks", VpcId=vpc)["GroupId"]
    balancer = elb.create_load_balancer(Name="foundry", Subnets=subnet_ids)["LoadBalancers"][0]
    listener = elb.create_listener(
        LoadBalancerArn=balancer["LoadBalancerArn"],
        Protocol="HTTP",
        Port=80,
        DefaultActions=[{"Type": "fixed-response", "FixedResponseConfig": {"StatusCode": "503"}}],
    )["Listeners"][0]["ListenerArn"]
    zone = client("route53").create_hosted_zone(Name=DOMAIN, CallerReference="test")
    efs = client("efs")
    file_system = efs.create_file_system(CreationToken="test")["FileSystemId"]
    cache = efs.create_access_point(ClientToken="cache", FileSystemId=file_system)["AccessPointId"]
    client("ecs").create_cluster(clusterName=STACK)
    client("ecs").create_cluster(clusterName=f"{STACK}-releases")
    client("ecs").create_cluster(clusterName=f"{STACK}-functions")
    operator = client("secretsmanager").create_secret(
        Name="operator",
        SecretString=json.dumps({"username": "operator", "password": "OPERATOR-PW"}),
    )["ARN"]
    kofi = client("secretsmanager").create_secret(
        Name="kofi", SecretString=json.dumps({"verificationToken": KOFI_TOKEN})
    )["ARN"]
    client("secretsmanager").create_secret(
        Name=f"{STACK}/webhook-key", SecretString=json.dumps({"key": WEBHOOK_KEY})
    )
    client("sqs").create_queue(
        QueueName=f"{STACK}-webhooks", Attributes={"VisibilityTimeout": "1800"}
    )
    make_tables()
    register_purge()
    client("events").create_event_bus(Name=STACK)
    client("logs").create_log_group(logGroupName=f"/ecs/{STACK}")
    account = listener.split(":")[4]  # the embedded AWS has another one
    client("s3").create_bucket(Bucket=f"functions-{MARK}-{account}")
    client("s3").create_bucket(Bucket=f"saves-{MARK}-{account}")
    return {
        "STACK": STACK,
        "STACK_MARK": MARK,
        "DOMAIN": DOMAIN,
        "HOSTED_ZONE_ID": zone["HostedZone"]["Id"].split("/")[-1],
        "KOFI_SECRET_ARN": kofi,
        "TASK_SUBNETS": ",".join(subnet_ids),
        "TASK_SECURITY_GROUP": group,
        "EXECUTION_ROLE": "execution",
        "TASK_BOUNDARY": "task-boundary",
        "FILE_SYSTEM_ID": file_system,
        "RELEASES_ACCESS_POINT_ID": cache,
        "RELEASES_ROLE": "releases",
        "VPC_ID": vpc,
        "LISTENER_ARN": listener,
        "LOAD_BALANCER_DNS": balancer["DNSName"],
        "LOAD_BALANCER_ZONE_ID": balancer["CanonicalHostedZoneId"],
        "BUCKET_USER_BOUNDARY": "boundary",
        "FILES_BOUNDARY": "files-boundary",
        # Servers are saved after each stop where a test is about that (tests/saves).
        "SAVES_KEPT": "0,0,0",
        "KEEP_DAYS": "30,0",
        "OPERATOR_SECRET_ARN": operator,
        "ADMIN_USER_IDS": "admin",
        # Members of the stories come and go more often than a day allows; tests/rates says what it allows.
        "DAILY_USES": "10000,10000,10000,10000",
        # HTTP
        "ENV": "test",
        "TOKEN_SECRET_ARN": client("secretsmanager").create_secret(
            Name="token-key", SecretString=json.dumps({"key": TOKEN_KEY})
        )["ARN"],
        "COGNITO_USER_POOL_ID": POOL,
        "COGNITO_CLIENT_ID": POOL_CLIENT,
        "CORS_ALLOW_ORIGINS": "https://pages.example, https://tools.example",
        "GATEWAY_API_IDS": "abc123",
        "INVOKABLE_FUNCTIONS": "my-*",
        "FUNCTION_NETWORK": "public",
        "AWS_REGION": REGION,
        "AWS_LAMBDA_FUNCTION_NAME": FUNCTION,
    }


def cluster(environment: Mapping[str, str]) -> str:
    """The ARN of the cluster, as the function derives it."""
    given = {name.lower(): value for name, value in environment.items()}
    return settings.Settings.model_validate(given).cluster_arn


def least_environment() -> dict[str, str]:
    """Every setting that must be set, for a process that asks nothing of AWS."""
    fields = settings.Settings.model_fields
    return {name.upper(): "x" for name, field in fields.items() if field.is_required()}


# name: (key, indexes as (name, partition, sort)); sort keys of indexes are numbers or the table's
TABLES: dict[str, tuple[tuple[str, ...], list[tuple[str, str, str]]]] = {
    "instances": (("userId",), [("DueIndex", "due", "dueAt")]),
    "hosts": (("host",), []),
    "runs": (("runId",), [("OpenIndex", "open", "requestedAt")]),
    "licenses": (("licenseId",), [("PoolIndex", "pool", "lastUsedAt")]),
    "sessions": (
        ("sessionId",),
        [("UserIndex", "userId", "startTime"), ("DueIndex", "due", "dueAt")],
    ),
    "ledger": (("account", "entry"), [("PeriodIndex", "period", "donated")]),
    "donations": (("donationId",), [("UnassignedIndex", "unassigned", "receivedAt")]),
    "registry": (("name",), []),
    "audit": (("month", "entry"), []),
    "clients": (("clientId",), []),
    "lambda_invocations": (("client_id", "id"), [("DayIndex", "day", "id")]),
    "functions": (("userId", "entry"), [("DueIndex", "due", "dueAt")]),
    "webhooks": (("userId", "webhookId"), []),
    "saves": (("repository", "saveId"), [("DueIndex", "due", "dueAt")]),
}


def table_of(what: str) -> str:
    """The name in AWS of the table that holds `what`."""
    return f"{STACK}-{what}"


def held_by(table: str) -> str:
    """What the table of that name holds."""
    return table.removeprefix(f"{STACK}-")


def make_tables() -> None:
    """The tables of the template."""
    dynamodb = client("dynamodb")
    for name, (key, indexes) in TABLES.items():
        types: dict[str, str] = {}
        for _, partition, sort in indexes:
            types |= {partition: "S", sort: "N"}
        types |= dict.fromkeys(key, "S")
        options: dict[str, Any] = {}
        if indexes:
            options["GlobalSecondaryIndexes"] = [
                {
                    "IndexName": index,
                    "KeySchema": [
                        {"AttributeName": partition, "KeyType": "HASH"},
                        {"AttributeName": sort, "KeyType": "RANGE"},
                    ],
                    # Of what is due, only whose it is (tests/consistency/test_template.py holds this).
                    "Projection": {"ProjectionType": "KEYS_ONLY" if index == "DueIndex" else "ALL"},
                }
                for index, partition, sort in indexes
            ]
        dynamodb.create_table(
            TableName=table_of(name),
            KeySchema=[
                {"AttributeName": part, "KeyType": kind}
                for part, kind in zip(key, ("HASH", "RANGE"), strict=False)
            ],
            AttributeDefinitions=[
                {"AttributeName": attribute, "AttributeType": kind}
                for attribute, kind in types.items()
            ],
            BillingMode="PAY_PER_REQUEST",
            **options,
        )


def register_purge() -> None:
    """The task definition that erases an instance's files."""
    client("ecs").register_task_definition(
        family=f"{STACK}_purge",
        networkMode="awsvpc",
        requiresCompatibilities=["FARGATE"],
        cpu="256",
        memory="512",
        containerDefinitions=[{"name": "purge", "image": "busybox", "memory": 512}],
    )


def new_process() -> None:
    """Forget what a process remembers, as a new one would. Clients stay: making them takes long."""
    app.platform.cache_clear()
    settings.load.cache_clear()


def items(table: str) -> list[dict[str, Any]]:
    """All items of a table, as DynamoDB holds them."""
    return _dynamodb().Table(table_of(table)).scan()["Items"]


def put(table: str, *made: dict[str, Any]) -> None:
    """Store items as they are, for lists that are too long to be made by calls."""
    with _dynamodb().Table(table_of(table)).batch_writer() as batch:
        for item in made:
            batch.put_item(Item=item)


def buckets() -> list[str]:
    """The names of members' buckets."""
    found = [bucket["Name"] for bucket in client("s3").list_buckets()["Buckets"]]
    return [name for name in found if name.startswith("foundry-")]


def licenses() -> list[dict[str, Any]]:
    """The licences, without leases and keys' claims, which are in the same table."""
    return [item for item in items("licenses") if "ownerId" in item]


@dataclass
class Context:
    """What Lambda tells the function of an invocation."""

    aws_request_id: str = "00000000-0000-4000-8000-000000000001"


@dataclass
class Ecs:
    """ECS's own part, played by the test: tasks come up, crash and stop, and events tell of it.

    A task's state is set in the emulator, so that DescribeTasks and the events say the same.
    """

    cluster: str
    deliver: Callable[[dict[str, Any]], Any]
    versions: dict[str, int] = field(default_factory=dict)

    def tasks(self, status: str = "RUNNING") -> list[str]:
        """The ARNs of the tasks that are wanted RUNNING, or of those that were STOPPED."""
        listed = client("ecs").list_tasks(cluster=self.cluster, desiredStatus=status)
        ours = f":task/{self.cluster.split('/')[-1]}/"  # the emulator lists those of "<cluster>-releases" as well
        return sorted(arn for arn in listed["taskArns"] if ours in arn)

    def only_task(self) -> str:
        """The one task that is wanted running."""
        (arn,) = self.tasks()
        return arn

    def becomes(self, arn: str, status: str, **attributes: Any) -> dict[str, Any]:
        """Let the task reach `status` unnoticed; returns the event that AWS would send of it."""
        name = self.cluster.split("/")[-1]
        task = ecs_backends[ACCOUNT][REGION].tasks[name][arn]
        PAST.note(arn, shown(task))
        task.last_status = status
        if status in ENDING:
            task.desired_status = "STOPPED"
        code = attributes.pop("exit_code", None)
        if code is not None:
            task.containers[0].exitCode = code  # moto names it as the API does
        for name, value in attributes.items():
            setattr(task, name, value)
        return self.event(arn)

    def event(self, arn: str) -> dict[str, Any]:
        """The event of the task's present state (AWS: Amazon ECS task state change events)."""
        answer = client("ecs").describe_tasks(cluster=self.cluster, tasks=[arn])
        detail = json.loads(json.dumps(answer["tasks"][0], default=datetime.isoformat))
        for attachment in detail.get("attachments", []):
            attachment["type"] = "eni"
        detail["version"] = self.versions[arn] = self.versions.get(arn, 0) + 1
        return {
            "version": "0",
            "source": "aws.ecs",
            "detail-type": "ECS Task State Change",
            "detail": detail,
        }

    def comes_up(self, arn: str) -> None:
        """The image is pulled and the container runs."""
        self.deliver(self.up(arn))

    def up(self, arn: str) -> dict[str, Any]:
        """Like comes_up, but the event is returned instead of delivered."""
        now = datetime.now(UTC)
        return self.becomes(
            arn, "RUNNING", created_at=now, pull_started_at=now, pull_stopped_at=now, started_at=now
        )

    def forgets(self, arn: str) -> None:
        """ECS knows nothing of the task any more, as an hour after its stop."""
        del ecs_backends[ACCOUNT][REGION].tasks[self.cluster.split("/")[-1]][arn]

    def ends(self, arn: str, exit_code: int = 0, reason: str = "Scaling activity") -> None:
        """The task ends, as asked or by itself."""
        self.deliver(self.ended(arn, exit_code, reason))

    def ended(self, arn: str, exit_code: int = 0, reason: str = "Task stopped") -> dict[str, Any]:
        """Like ends, but the event is returned instead of delivered."""
        now = datetime.now(UTC)
        return self.becomes(
            arn, "STOPPED", stopped_at=now, stopped_reason=reason, exit_code=exit_code
        )


ENDING = ("DEACTIVATING", "STOPPING", "DEPROVISIONING", "STOPPED")


def sample(name: str, /, **changes: Any) -> dict[str, Any]:
    """The sample event `name`, with some of its members changed; another user's licence key is another one."""
    with open(f"events/{name}.json", encoding="utf-8") as file:
        event = json.load(file)
    if "foundryLicense" in event and "userId" in changes:
        event["foundryLicense"] = license_key(changes["userId"])
    return event | changes


def license_key(user: str) -> str:
    """A licence key of the user's own."""
    digits = hashlib.sha256(user.encode()).hexdigest().upper()
    return f"AAAA-BBBB-CCCC-{digits[:4]}-{digits[4:8]}-{digits[8:12]}"
