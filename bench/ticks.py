"""What the two ticks read and how long they take, with few and with many stored, and with many due.

Members are written straight into the emulator's tables, as the platform would have left them: a hundred
times as many stored with the same number due must not cost more.
"""

from __future__ import annotations

import io
import time
from contextlib import redirect_stdout
from dataclasses import dataclass
from decimal import Decimal
from statistics import median
from typing import Any

from bench.calls import emulated
from bench.report import progress
from handler.app import lambda_handler
from services.values import serialize
from tests import world
from tests.aws_calls import AWS
from tests.world import sample

FEW, MANY, DUE, FLOOD = 100, 10_000, 20, 500
ADDED_SECONDS = 0.02
ROUNDS = 7
TICKS = ("auto-shutdown-check", "prepare-sessions")
READS = {"dynamodb.Query", "dynamodb.GetItem", "dynamodb.Scan", "dynamodb.BatchGetItem"}


@dataclass(frozen=True)
class Ticked:
    """One tick: how many reads it made, how long it took, and how long processors worked for it, in seconds.

    `searching` is that part of their work in which the emulator searches the index of what is due: DynamoDB's own
    search takes as long as there is to find; the emulator looks at all. The work is what two ticks are compared
    by: nothing waits here, and whatever else the machine does takes no part in it.
    """

    reads: int
    seconds: float
    work: float
    searching: float

    @property
    def own_work(self) -> float:
        """The work without the emulator's search."""
        return self.work - self.searching


def measure() -> dict[str, tuple[Ticked, Ticked, float]]:
    """By tick: with few stored, with many stored, and the seconds with a flood of due ones."""
    few, many = _stored(FEW), _stored(MANY)
    flooded = {tick: _flooded(tick) for tick in TICKS}
    return {tick: (few[tick], many[tick], flooded[tick]) for tick in TICKS}


def _stored(count: int) -> dict[str, Ticked]:
    progress(f"Ticks: {count} members stored, {DUE} due ...")
    with emulated(0) as environment:
        _fill(environment, resting=count - DUE, due=DUE)
        return {tick: _medians([_tick(tick) for _ in range(ROUNDS)]) for tick in TICKS}


def _flooded(tick: str) -> float:
    progress(f"Ticks: {FLOOD} due at once, 20 ms added to each call, {tick} ...")
    with emulated(0) as environment:
        _fill(environment, resting=0, due=FLOOD)
        AWS.wait_seconds = ADDED_SECONDS
        return _tick(tick).seconds


def _tick(name: str) -> Ticked:
    """One tick on what is due; it is due again afterwards."""
    before = {table: world.items(table) for table in ("instances", "sessions")}
    AWS.begin()
    began, worked = time.perf_counter(), time.process_time()
    with redirect_stdout(io.StringIO()):  # the function's log
        answer = lambda_handler(sample(name), world.Context())
    took, work = time.perf_counter() - began, time.process_time() - worked
    AWS.end()
    AWS.queue.clear()
    assert answer["success"], answer
    assert answer["failures"] == 0, answer
    for table, items in before.items():
        write(table, [item for item in items if "dueAt" in item])
    reads = sum(call.name in READS for call in AWS.calls)
    return Ticked(reads, took, work, _searching(name))


def _searching(tick: str) -> float:
    table, kind = ("instances", "instance") if tick == TICKS[0] else ("sessions", "session")
    began = time.process_time()
    world.client("dynamodb").query(
        TableName=world.table_of(table),
        IndexName="DueIndex",
        KeyConditionExpression="due = :due AND dueAt <= :now",
        ExpressionAttributeValues={":due": serialize(kind), ":now": serialize(int(time.time()))},
    )
    return time.process_time() - began


def _medians(ticked: list[Ticked]) -> Ticked:
    return Ticked(
        round(median(each.reads for each in ticked)),
        median(each.seconds for each in ticked),
        median(each.work for each in ticked),
        median(each.searching for each in ticked),
    )


def _fill(environment: dict[str, str], resting: int, due: int) -> None:
    """Members at rest with sessions in the far future, and due ones: running, with a session under way."""
    now = int(time.time())
    write("instances", [instance_item(f"rest{n}", now) for n in range(resting)])
    write("sessions", [_session(f"rest{n}", now + 86400, now) for n in range(resting)])
    running = [_running(f"due{n}", now, environment) for n in range(due)]
    write("runs", [_run(item, now) for item in running])
    write("instances", running)
    write("sessions", [_session(f"due{n}", now, now) for n in range(due)])


def instance_item(user: str, now: int) -> dict[str, Any]:
    """A member's server at rest, as it is stored."""
    return {
        "userId": user,
        "instanceId": f"{abs(hash(user)) % 16**12:012x}",
        "username": user,
        "label": user,
        "host": f"{user}.{world.DOMAIN}",
        "status": "stopped",
        "statusSince": now,
        "foundryVersion": "13",
        "licenseType": "pooled",
        "allowLicenseSharing": False,
        "createdAt": now,
        "operatorAccount": True,
        "s3BucketName": f"foundry-{user}",
        "taskDefinitionArn": "purge",
    }


def _running(user: str, now: int, environment: dict[str, str]) -> dict[str, Any]:
    run_id = f"run-{user}"
    task = world.client("ecs").run_task(
        cluster=world.cluster(environment),
        taskDefinition=f"{world.STACK}_purge",
        launchType="FARGATE",
        startedBy=run_id,
        networkConfiguration={
            "awsvpcConfiguration": {
                "subnets": environment["TASK_SUBNETS"].split(",")[:1],
                "securityGroups": [environment["TASK_SECURITY_GROUP"]],
            }
        },
    )["tasks"][0]
    up = {
        "status": "running",
        "runId": run_id,
        "runKind": "play",
        "runLicense": f"license-{user}",
        "taskArn": task["taskArn"],
        "upSince": now,
        "seenAt": now,
        "due": "instance",
        "dueAt": now,
    }
    return instance_item(user, now) | up


def _run(item: dict[str, Any], now: int) -> dict[str, Any]:
    return {
        "runId": item["runId"],
        "userId": item["userId"],
        "instanceId": item["instanceId"],
        "kind": "play",
        "cpu": 1024,
        "memory": 2048,
        "rate": Decimal("0.0445"),
        "open": "run",
        "requestedAt": now,
    }


def _session(user: str, start: int, now: int) -> dict[str, Any]:
    return {
        "sessionId": f"session-{user}",
        "userId": user,
        "startTime": start,
        "endTime": start + 3600,
        "duration": 60,
        "status": "scheduled",
        "licenseId": f"license-{user}",
        "createdAt": now,
        "due": "session",
        "dueAt": min(start - 1200, now) if start <= now else start - 1200,
    }


def write(table: str, items: list[dict[str, Any]]) -> None:
    """Put items into the emulator's table."""
    for first in range(0, len(items), 25):  # BatchWriteItem takes 25 at a time
        puts = [
            {"PutRequest": {"Item": {name: serialize(value) for name, value in item.items()}}}
            for item in items[first : first + 25]
        ]
        world.client("dynamodb").batch_write_item(RequestItems={world.table_of(table): puts})
