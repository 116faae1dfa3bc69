"""Between boto3 and the emulator: counts calls, makes them fail, plays Lambda's queue.

It hangs in botocore's own event system, which every client of this process takes part in if it is made
after this module is imported. Nothing of the project is patched.
"""

from __future__ import annotations

import json
import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import botocore.handlers
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.chains import Span
from tests.lambda_service import LAMBDA

BEFORE, AFTER, DIES_BEFORE, DIES_AFTER = "before", "after", "dies before", "dies after"
MODES = (BEFORE, AFTER, DIES_BEFORE, DIES_AFTER)


class ProcessDied(BaseException):
    """The process is gone: nothing of it runs any more, no handler, no `finally` with an effect."""


@dataclass(frozen=True)
class Call:
    """One kind of call to AWS and which one of its kind: ("ecs.RunTask", 0)."""

    name: str
    nth: int


@dataclass
class Aws:
    """What this process asks of AWS, and what goes wrong with it."""

    calls: list[Call] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)  # when each of them began and ended
    queue: list[dict[str, Any]] = field(default_factory=list)  # asynchronous invocations
    wait_seconds: float = 0.0
    observing: bool = False
    sent: list[tuple[str, Any]] = field(
        default_factory=list
    )  # each call's name and its request's body
    _seen: Counter[str] = field(default_factory=Counter)
    _fault: tuple[Call, str] | None = None
    _dead: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def begin(self, fault: tuple[Call, str] | None = None) -> None:
        """Observe from here on, with one fault to come if given; a dead process lives again."""
        self.calls, self.spans, self.sent = [], [], []
        self._seen, self._fault = Counter(), fault
        self._dead, self.observing = False, True

    def prepare(self, fault: tuple[Call, str] | None = None) -> None:
        """Like begin, but only what happens in `one_life` is observed."""
        self.begin(fault)
        self.observing = False

    def end(self) -> None:
        """Observe no longer; a fault that has not happened will not."""
        self.observing, self._fault, self._dead = False, None, False

    @contextmanager
    def one_life(self) -> Iterator[None]:
        """Observe one process; what the test asks of AWS outside is neither counted nor disturbed."""
        self.observing, self._dead = True, False
        try:
            yield
        finally:
            self.observing = False

    def requests(self, name: str) -> list[dict[str, Any]]:
        """What was sent with each call of that name, of a service that takes JSON."""
        return [json.loads(body) for called, body in self.sent if called == name]

    @property
    def died(self) -> bool:
        """Whether the process observed last died."""
        return self._dead

    @property
    def fault_happened(self) -> bool:
        """Whether the fault that was asked for came about."""
        return self._fault is None

    def before(self, name: str, params: dict[str, Any], context: dict[str, Any]) -> Any:
        """Called by botocore before it sends a request."""
        if not self.observing:
            return self._lambda(name, params)
        with self._lock:
            if self._dead:
                raise ProcessDied
            call = Call(name, self._seen[name])
            self._seen[name] += 1
            self.calls.append(call)
            self.sent.append((name, params["body"]))
            context["span"] = Span(name)
            self.spans.append(context["span"])
            mode = self._fault[1] if self._fault and self._fault[0] == call else None
            if mode:
                self._fault = None
            if mode == DIES_BEFORE:
                self._dead = True
                raise ProcessDied
        context["fault"] = mode
        time.sleep(self.wait_seconds)
        if mode == BEFORE:
            said: Any = {
                "Error": {"Code": "ServiceUnavailable", "Message": "injected"},
                "ResponseMetadata": {"HTTPStatusCode": 503},
            }
            raise ClientError(said, name)
        return self._lambda(name, params)

    def after(self, context: dict[str, Any]) -> None:
        """Called by botocore when the answer has come."""
        if span := context.get("span"):
            span.end()
        mode = context.get("fault")
        if mode == DIES_AFTER:
            with self._lock:
                self._dead = True
            raise ProcessDied
        if mode == AFTER:
            raise ReadTimeoutError(endpoint_url="https://aws.example")

    def _lambda(self, name: str, params: dict[str, Any]) -> Any:
        """Lambda's own part (tests/lambda_service.py): an asynchronous invocation is queued for the test.

        An embedded AWS (ministack, not at AWS's own address) plays that part itself.
        """
        if not name.startswith("lambda.") or "amazonaws.com" not in params["url"]:
            return None
        return LAMBDA.answer(name, params, self.queue)


AWS = Aws()


def _refuse_empty_range(params: dict[str, Any]) -> None:
    """DynamoDB refuses a range whose end is before its beginning; moto finds nothing in it."""
    asked = json.loads(params["body"])
    values = {
        name: float(value["N"]) if "N" in value else value["S"]
        for name, value in asked["ExpressionAttributeValues"].items()
    }
    for least, most in re.findall(r"BETWEEN (:\w+) AND (:\w+)", asked["KeyConditionExpression"]):
        if values[least] > values[most]:
            said: Any = {
                "Error": {"Code": "ValidationException", "Message": "an empty range"},
                "ResponseMetadata": {"HTTPStatusCode": 400},
            }
            raise ClientError(said, "Query")


def _before(model: Any, params: Any, context: Any, **_: Any) -> Any:
    if model.name == "Query" and model.service_model.service_name == "dynamodb":
        _refuse_empty_range(params)
    return AWS.before(f"{model.service_model.service_name}.{model.name}", params, context)


def _after(context: Any, **_: Any) -> None:
    AWS.after(context)


botocore.handlers.BUILTIN_HANDLERS.append(("before-call", _before))
botocore.handlers.BUILTIN_HANDLERS.append(("after-call", _after))
