"""A sleeping table's page: from a fresh interpreter to its first answer, and what page, state and wake ask of AWS.

The page is compared with a bare FastAPI page through Mangum, which knows nothing of any table, and with one that
reads one item by boto3 to know it. All run with the packages that are deployed and no others, in turns, and read
from one and the same embedded AWS.
"""

from __future__ import annotations

import io
import socket
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench.calls import ADDED_SECONDS, Asked, asked_by, emulated, medians, quietly
from bench.cold_start import KEY, STACK, build, environment_of, instance, seconds
from bench.report import progress
from local import embedded
from services.values import serialize
from tests.http.shapes import Answer
from tests.tables.visiting import Page, submit, visit
from tests.world import sample

PAIRS = 15
ROUNDS = 5
HOST = "ada.play.example"
KEYS = {"instances": "userId", "hosts": "host", "registry": "name", "licenses": "licenseId"}

_EVENT = f"""
event = {{
    "requestContext": {{"elb": {{"targetGroupArn": "x"}}}}, "httpMethod": "GET", "path": "/",
    "queryStringParameters": {{}}, "body": "", "isBase64Encoded": False,
    "headers": {{"host": "{HOST}", "accept": "text/html", "x-forwarded-for": "192.0.2.1"}},
}}
"""
_BARE = """
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from mangum import Mangum
app = FastAPI()
@app.get("/", response_class=HTMLResponse)
def page():
    {reads}
    return "<!DOCTYPE html><title>Ada</title><p>This table is asleep."
"""
_READS = f"""import boto3
    found = boto3.client("dynamodb").get_item(
        TableName="{STACK}-instances", Key={{"userId": {{"S": "ada"}}}}, ConsistentRead=True
    )
    assert found["Item"]["userId"] == {{"S": "ada"}}"""
_ASKED = f"{_EVENT}\nassert Mangum(app, lifespan='off')(event, None)['statusCode'] == 200\n"
BARE = _BARE.format(reads="pass") + _ASKED
READING = _BARE.format(reads=_READS) + _ASKED
OURS = f"""
from handler.app import lambda_handler{_EVENT}
said = lambda_handler(event, None)
assert said["statusCode"] == 503 and "nonce" in said["body"], said
"""


@dataclass(frozen=True)
class First:
    """Medians in seconds of the first answer: a bare page, one that reads an item, and a table's."""

    bare: float
    reading: float
    ours: float


def first_answer(pairs: int = PAIRS) -> First:
    """Time the three programs, in turns."""
    build()
    with _aws() as endpoint:
        environment = environment_of(endpoint) | {"DOMAIN": "play.example"}
        programs = (BARE, READING, OURS)
        for program in programs:
            seconds(program, environment)  # leaves the bytecode behind
        took: list[list[float]] = [[], [], []]
        for number in range(pairs):
            progress(f"First pages of tables: {number + 1} of {pairs} ...")
            for program, times in zip(programs, took, strict=True):
                times.append(seconds(program, environment))
    return First(*(median(times) for times in took))


@contextmanager
def _aws() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    items: dict[str, dict[str, Any]] = {
        "instances": instance() | {"licenseId": "license-1"},
        "hosts": {"host": HOST, "userId": "ada", "instanceId": "0123456789ab"},
        "licenses": {"licenseId": "license-1", "ownerId": "ada", "version": 1, "windows": []},
    }
    with embedded.running(port) as aws:
        dynamodb = aws.client("dynamodb")
        for what, key in KEYS.items():
            dynamodb.create_table(
                TableName=f"{STACK}-{what}",
                KeySchema=[{"AttributeName": key, "KeyType": "HASH"}],
                AttributeDefinitions=[{"AttributeName": key, "AttributeType": "S"}],
                BillingMode="PAY_PER_REQUEST",
            )
        for what, item in items.items():
            stored = {name: serialize(value) for name, value in item.items()}
            dynamodb.put_item(TableName=f"{STACK}-{what}", Item=stored)
        aws.client("secretsmanager").create_secret(**KEY)
        yield aws.endpoint


def calls(rounds: int = ROUNDS) -> dict[str, Asked]:
    """What each request asks of AWS, in a process that knows the table."""
    lived = []
    for number in range(rounds + 1):
        progress(
            f"Calls to AWS of tables: {number} of {rounds} ..." if number else "Warming up ..."
        )
        with emulated(ADDED_SECONDS), redirect_stdout(io.StringIO()):
            lived.append(_evening())
    counted = lived[1:]
    return {name: medians([steps[name] for steps in counted]) for name in counted[0]}


def _evening() -> dict[str, Asked]:
    quietly(sample("create-instance"))
    code = quietly(sample("status"))["wakeUrl"].partition("code=")[2]
    form = {"nonce": Page.of(visit()).fields["nonce"], "code": code}

    def looks() -> Answer:
        return visit("/_state", headers={})

    return {
        "page": asked_by(visit),
        "what gets no page": asked_by(lambda: visit("/socket.io/", headers={})),
        "state, at rest": asked_by(looks),
        "wake": asked_by(lambda: submit(form)),
        "state, with a look": asked_by(looks),
        "state, just looked": asked_by(looks),
    }
