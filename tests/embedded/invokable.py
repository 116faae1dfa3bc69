"""Functions that clients have invoked, on the embedded AWS, and who invokes them by either way."""

from __future__ import annotations

import base64
import io
import json
import time
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import requests

from local import stack
from local.embedded import Embedded
from local.follow import FunctionLog
from tests.http.shapes import Answer, Asked, v2

PREFIX = "played-"
SLOW_SECONDS = 5
_CODE = """
import time

def echo(event, context):
    print("ran", event["id"] if isinstance(event, dict) else "")
    return event

def slow(event, context):
    print("ran", event["id"])
    time.sleep(SECONDS)
    return event

def failing(event, context):
    print("about to fail", event["id"])
    raise ValueError("there is no such table")

def large_answer(event, context):
    return "x" * event["characters"]
""".replace("SECONDS", str(SLOW_SECONDS))
_PATIENCE = 20  # seconds


def deploy(aws: Embedded) -> None:
    """Make the functions, and one that no client may have; `echo` has a version, and an alias for it."""
    role = aws.client("iam").create_role(
        RoleName="functions",
        AssumeRolePolicyDocument=json.dumps(
            {
                "Version": "2012-10-17",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Principal": {"Service": "lambda.amazonaws.com"},
                        "Action": "sts:AssumeRole",
                    }
                ],
            }
        ),
    )["Role"]["Arn"]
    client = aws.client("lambda")
    names = ("echo", "slow", "failing", "large-answer", "throttled")
    for name in (*(PREFIX + name for name in names), "others-echo"):
        handler = {"throttled": "echo"}.get(name.split("-", 1)[1], name.split("-", 1)[1])
        client.create_function(
            FunctionName=name,
            Runtime="python3.13",
            Role=role,
            Handler=f"functions.{handler.replace('-', '_')}",
            Code={"ZipFile": _zip()},
            Description=f"Is {name}",
            Timeout=30,
            Environment={"Variables": {"PASSWORD": "of the function"}},
        )
    client.put_function_concurrency(
        FunctionName=f"{PREFIX}throttled", ReservedConcurrentExecutions=0
    )
    version = client.publish_version(FunctionName=f"{PREFIX}echo")["Version"]
    client.create_alias(FunctionName=f"{PREFIX}echo", Name="prod", FunctionVersion=version)


def runs(aws: Embedded, function: str, run: str) -> int:
    """How often a function has begun with the payload of that id, as its log says; the log comes at its end."""
    try:
        return FunctionLog(aws, f"/aws/lambda/{function}").fresh().count(f"ran {run}")
    except aws.client("logs").exceptions.ResourceNotFoundException:  # it has never run to its end
        return 0


def until_it_ran(aws: Embedded, function: str, run: str) -> int:
    """Wait until a function has run with the payload of that id; returns how often."""
    give_up = time.monotonic() + _PATIENCE
    while not (count := runs(aws, function, run)):
        assert time.monotonic() < give_up, f"{function} has not run with {run}"
        time.sleep(0.1)
    return count


class Way(Protocol):
    """How a client reaches the gateway."""

    def ask(
        self, method: str, path: str, body: Any = None, *, token: str = "", query: str = ""
    ) -> Answer:
        """Send a request."""


@dataclass(frozen=True)
class Server:
    """`python -m handler.server`, over TCP."""

    url: str

    def ask(
        self, method: str, path: str, body: Any = None, *, token: str = "", query: str = ""
    ) -> Answer:
        """Send a request."""
        given = requests.request(
            method,
            f"{self.url}{path}?{query}",
            data=None if body is None else json.dumps(body),
            headers=_headers(token),
            timeout=60,
        )
        headers = {name.lower(): value for name, value in given.headers.items()}
        return Answer(given.status_code, headers, given.content)


@dataclass(frozen=True)
class Function:
    """The deployed function, by the events of an HTTP API."""

    aws: Embedded

    def ask(
        self, method: str, path: str, body: Any = None, *, token: str = "", query: str = ""
    ) -> Answer:
        """Send a request."""
        raw = None if body is None else json.dumps(body).encode()
        event = v2(Asked(method, path, query, {"host": "x.example", **_headers(token)}, raw))
        called = self.aws.client("lambda").invoke(
            FunctionName=f"{stack.FUNCTION}:live", Payload=json.dumps(event).encode()
        )
        given = json.loads(called["Payload"].read())
        assert "statusCode" in given, given
        text = given["body"] or ""
        answered = base64.b64decode(text) if given["isBase64Encoded"] else text.encode()
        return Answer(given["statusCode"], given["headers"], answered)


def _headers(token: str) -> Mapping[str, str]:
    return {"content-type": "application/json"} | (
        {"authorization": f"Bearer {token}"} if token else {}
    )


def _zip() -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("functions.py", _CODE)
    return packed.getvalue()
