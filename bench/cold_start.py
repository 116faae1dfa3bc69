"""From a fresh interpreter to the first answered `status`, against a bare boto3 that reads one item.

Both run in turns, with the packages that are deployed and no others, and read from one and the same
embedded DynamoDB. What is timed ends with the answer; the end of the interpreter is not waited for.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.report import progress
from local import embedded
from services.settings import Settings
from services.values import serialize

PAIRS = 15
PACKAGE = Path(".bench/function")
STACK = "bench"
TABLE = f"{STACK}-instances"
KEY = {"Name": f"{STACK}/webhook-key", "SecretString": '{"key": "of-codes-and-nonces"}'}

BARE = f"""
import boto3
found = boto3.client("dynamodb").get_item(
    TableName="{TABLE}", Key={{"userId": {{"S": "ada"}}}}, ConsistentRead=True
)
assert found["Item"]["userId"] == {{"S": "ada"}}
"""
STATUS = """
from handler.app import lambda_handler
answer = lambda_handler({"action": "status", "userId": "ada"}, None)
assert answer["status"] == "stopped"
"""
_ANSWERED = "answered"
_END = f"print('{_ANSWERED}', flush=True)\nimport os\nos._exit(0)\n"


@dataclass(frozen=True)
class ColdStart:
    """Medians in seconds."""

    bare: float
    status: float

    @property
    def ratio(self) -> float:
        """How many times the bare read's time the first status takes."""
        return self.status / self.bare


def measure(pairs: int = PAIRS) -> ColdStart:
    """Time both programs, in turns, `pairs` times each."""
    progress("Building the function with its packages for this machine ...")
    build()
    progress("Starting an embedded DynamoDB ...")
    with _dynamodb() as endpoint:
        environment = environment_of(endpoint)
        for program in (BARE, STATUS):
            seconds(program, environment)  # leaves the bytecode behind, as any later run finds it
        bare, status = [], []
        for pair in range(pairs):
            progress(f"Cold starts: pair {pair + 1} of {pairs} ...")
            bare.append(seconds(BARE, environment))
            status.append(seconds(STATUS, environment))
    return ColdStart(median(bare), median(status))


def build() -> None:
    """The function as it is deployed, but for this machine: what it has not, as rich, costs no time."""
    shutil.rmtree(PACKAGE, ignore_errors=True)
    subprocess.run(
        ["make", "build-Function", f"ARTIFACTS_DIR={PACKAGE.resolve()}", "BUILD_FOR=local"],
        check=True,
        stdout=sys.stderr,
    )


@contextmanager
def _dynamodb() -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with embedded.running(port) as aws:
        dynamodb = aws.client("dynamodb")
        dynamodb.create_table(
            TableName=TABLE,
            KeySchema=[{"AttributeName": "userId", "KeyType": "HASH"}],
            AttributeDefinitions=[{"AttributeName": "userId", "AttributeType": "S"}],
            BillingMode="PAY_PER_REQUEST",
        )
        dynamodb.put_item(TableName=TABLE, Item={k: serialize(v) for k, v in instance().items()})
        aws.client("secretsmanager").create_secret(**KEY)
        yield aws.endpoint


def instance() -> dict[str, str | int | bool]:
    """Ada's server, at rest."""
    return {
        "userId": "ada",
        "instanceId": "0123456789ab",
        "username": "Ada",
        "label": "ada",
        "host": "ada.play.example",
        "status": "stopped",
        "statusSince": 1_800_000_000,
        "createdAt": 1_800_000_000,
        "lastStarted": 1_800_000_000,
        "foundryVersion": "13",
        "licenseType": "byol",
        "licenseOwnerId": "ada",
        "allowLicenseSharing": False,
        "operatorAccount": True,
        "accessPointId": "fsap-0123456789abcdef0",
        "s3BucketName": "foundry-ada-ada-0123456789ab",
    }


def environment_of(endpoint: str) -> dict[str, str]:
    """What Lambda gives the function, with the credentials of the embedded AWS and nothing of ours."""
    needed = {n.upper(): "x" for n, f in Settings.model_fields.items() if f.is_required()}
    return {
        **needed,
        **embedded.CREDENTIALS,
        "AWS_REGION": embedded.REGION,
        "AWS_ENDPOINT_URL": endpoint,
        "AWS_LAMBDA_FUNCTION_NAME": "bench",
        "STACK": STACK,
        "PYTHONPATH": str(PACKAGE.resolve()),
        "PATH": os.environ["PATH"],
    }


def seconds(program: str, environment: dict[str, str]) -> float:
    """How long a fresh interpreter takes to have run `program`; -S keeps this environment's packages out."""
    began = time.perf_counter()
    with subprocess.Popen(
        [sys.executable, "-S", "-c", program + _END],
        env=environment,
        cwd=PACKAGE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        answered = any(line.strip() == _ANSWERED for line in process.stdout)
        took = time.perf_counter() - began
    if not answered:
        raise RuntimeError(f"the interpreter ended with {process.returncode} and no answer")
    return took
