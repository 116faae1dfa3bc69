"""Lambda as it answers over its API: the functions that a test says are there, its quotas and its refusals.

AWS Lambda API Reference: Invoke (with Errors), ListFunctions, GetFunctionConfiguration; Lambda quotas.
"""

from __future__ import annotations

import asyncio
import base64
import json
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.exceptions import ClientError

PLATFORM = "foundry-vtt-instance-management"
SYNCHRONOUS, ASYNCHRONOUS = 6 * 1024 * 1024, 1024 * 1024
Behaviour = Callable[[Any], Any]


class Failed(Exception):
    """A function that raises: its runtime says so as `errorMessage` and `errorType`."""


@dataclass
class Refusal(Exception):
    """What Lambda refuses with."""

    code: str
    status: int
    message: str = "arn:aws:lambda:us-east-1:123456789012:function:of-the-operator"


@dataclass
class Function:
    """One function: what it does with a payload, and where it can be had by a version or an alias."""

    does: Behaviour
    aliases: dict[str, str] = field(default_factory=dict)


@dataclass
class Lambda:
    """Lambda of one account and region."""

    functions: dict[str, Function] = field(default_factory=dict)
    invoked: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    most_at_once: int = 0
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self) -> None:
        """The platform's own function, which answers or whose events are queued, and one that always succeeds."""
        self.functions = {PLATFORM: Function(_the_platform, {"live": "1"})}
        self.has("my-function", lambda _: {"result": "success"}, prod="1")
        self.invoked.clear()
        self.most_at_once = 0

    def has(self, name: str, does: Behaviour, **aliases: str) -> None:
        """Let there be a function."""
        self.functions[name] = Function(does, aliases)

    def answer(self, call: str, params: dict[str, Any], queue: list[Any]) -> Any:
        """The answer to a request that botocore is about to send."""
        url = urlsplit(params["url"])
        query = {n: v[0] for n, v in parse_qs(url.query).items()} | dict(
            params.get("query_string") or {}
        )
        name = unquote(url.path.split("/functions/")[-1].split("/")[0])
        try:
            if call == "lambda.ListFunctions":
                return self._listed(query)
            if call == "lambda.GetFunctionConfiguration":
                return _Response(200), _parsed(200, self._described(name, query.get("Qualifier")))
            return self._invoke(name, query.get("Qualifier"), params, queue)
        except Refusal as refusal:
            said = {
                "Error": {"Code": refusal.code, "Message": refusal.message},
                **_parsed(refusal.status),
            }
            raise ClientError(said, call) from None  # type: ignore[arg-type]

    def _invoke(
        self, name: str, qualifier: str | None, params: dict[str, Any], queue: list[Any]
    ) -> Any:
        headers = params["headers"]
        kind = headers.get("X-Amz-Invocation-Type", "RequestResponse")
        body = params["body"]
        payload: bytes = (
            body
            if isinstance(body, bytes)
            else body.encode()
            if isinstance(body, str)
            else body.read()
        )
        function, version = self._found(name, qualifier)
        if len(payload) > (ASYNCHRONOUS if kind == "Event" else SYNCHRONOUS):
            raise Refusal("RequestTooLargeException", 413)
        try:
            event = json.loads(payload or b"null")
        except RecursionError:
            event = None  # Lambda itself nests as deep as somebody likes
        except ValueError:
            raise Refusal("InvalidRequestContentException", 400) from None
        self.invoked.append((name, qualifier or "$LATEST", kind, payload))
        if kind == "DryRun":
            return _Response(204), _parsed(204, {"StatusCode": 204, "Payload": BytesIO(b"")})
        if kind == "Event":
            if name == PLATFORM:
                queue.append(event)
            return _Response(202), _parsed(202, {"StatusCode": 202, "Payload": BytesIO(b"")})
        with self._lock:
            self._now += 1
            self.most_at_once = max(self.most_at_once, self._now)
        try:
            return self._run(function, event, version, headers.get("X-Amz-Log-Type"))
        finally:
            with self._lock:
                self._now -= 1

    def _run(self, function: Function, event: Any, version: str, log_type: str | None) -> Any:
        said: dict[str, Any] = {"StatusCode": 200, "ExecutedVersion": version}
        try:
            answer = function.does(event)
        except Failed as error:
            answer = {"errorMessage": str(error), "errorType": "Failed", "stackTrace": ["a line"]}
            said["FunctionError"] = "Unhandled"
        raw = json.dumps(answer).encode()
        if len(raw) > SYNCHRONOUS:
            raw = json.dumps(
                {
                    "errorMessage": "Response payload size exceeded maximum allowed payload size (6291556 bytes).",
                    "errorType": "Function.ResponseSizeTooLarge",
                }
            ).encode()
            said["FunctionError"] = "Unhandled"
        if log_type == "Tail":
            said["LogResult"] = base64.b64encode(b"START RequestId: 1\nEND RequestId: 1\n").decode()
        return _Response(200), _parsed(200, {**said, "Payload": BytesIO(raw)})

    def _found(self, name: str, qualifier: str | None) -> tuple[Function, str]:
        function = self.functions.get(name)
        if function is None:
            raise Refusal("ResourceNotFoundException", 404)
        if qualifier in (None, "$LATEST"):
            return function, "$LATEST"
        version = function.aliases.get(qualifier, qualifier)
        if version not in function.aliases.values():
            raise Refusal("ResourceNotFoundException", 404)
        return function, version

    def _described(self, name: str, qualifier: str | None) -> dict[str, Any]:
        _, version = self._found(name, qualifier)
        return {
            "FunctionName": name,
            "FunctionArn": f"arn:aws:lambda:us-east-1:123456789012:function:{name}",
            "Runtime": "python3.13",
            "Role": "arn:aws:iam::123456789012:role/of-the-function",
            "Handler": "index.handler",
            "CodeSize": 1024,
            "Description": f"Does {name}",
            "Timeout": 3,
            "MemorySize": 128,
            "LastModified": "2026-11-26T10:30:00.000+0000",
            "Version": version,
            "Environment": {"Variables": {"PASSWORD": "of-the-function"}},
        }

    def _listed(self, query: dict[str, str]) -> Any:
        """At most 50, whatever is asked for, in no order that means anything."""
        names = sorted(self.functions)
        begin = names.index(query["Marker"]) if query.get("Marker") else 0
        end = begin + min(50, int(query.get("MaxItems", 50)))
        page: dict[str, Any] = {
            "Functions": [self._described(name, None) for name in names[begin:end]]
        }
        if end < len(names):
            page["NextMarker"] = names[end]
        return _Response(200), _parsed(200, page)


class _Response:
    def __init__(self, status: int) -> None:
        self.status_code = status


def _parsed(status: int, said: dict[str, Any] | None = None) -> dict[str, Any]:
    told = {"HTTPStatusCode": status, "RequestId": str(uuid.uuid4())}
    return {**(said or {}), "ResponseMetadata": told}


def _the_platform(event: Any) -> Any:
    from handler.app import lambda_handler
    from tests.world import Context

    with ThreadPoolExecutor(1, initializer=with_a_loop) as another_process:
        return another_process.submit(lambda_handler, event, Context()).result()


def with_a_loop() -> None:
    """What a thread needs in which Mangum answers: an event loop, which only the main thread has by itself."""
    asyncio.set_event_loop(asyncio.new_event_loop())


LAMBDA = Lambda()
LAMBDA.begin()
