"""What the gateway adds to an invocation: against a boto3 that invokes the same function itself.

Behind both is one tests/quick_aws.py, a process of its own, so that Lambda is not what is measured. The gateway is
a process of its own, too, as it is deployed; requests come from this one, over connections that are kept. All take
turns, and what is compared is of one run.
"""

from __future__ import annotations

import json
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from statistics import median
from typing import Any, Protocol

import boto3
from botocore.config import Config

from bench.http import serving
from bench.report import progress
from local.embedded import CREDENTIALS, REGION
from tests import quick_aws
from tests.embedded.conftest import free_port

ROUNDS = 9
SLICE_SECONDS = 1.0
MANY = 50
BATCH, BATCH_MILLISECONDS = 20, 200
_NAME = "a-function"
_PAYLOAD = json.dumps({"key": "value", "numbers": list(range(20))})


class Caller(Protocol):
    """Who has a function invoked, in some way."""

    def alone(self) -> float:
        """The median seconds of an invocation, one after the other for a while."""

    def at_once(self) -> float:
        """Invocations per second, MANY at once for a while."""


@dataclass
class Way:
    """What was measured of a way to have a function invoked."""

    seconds_alone: list[float] = field(default_factory=list)
    rates: list[float] = field(default_factory=list)

    def measure(self, caller: Caller) -> None:
        """Take its turn."""
        self.seconds_alone.append(caller.alone())
        self.rates.append(caller.at_once())

    @property
    def seconds(self) -> float:
        """Of an invocation with nothing beside it."""
        return median(self.seconds_alone)

    @property
    def rate(self) -> float:
        """Invocations per second, MANY at once."""
        return median(self.rates)


@dataclass(frozen=True)
class Measured:
    """One run: boto3's own invocations, and those through the gateway by the name of the transport."""

    direct: Way
    gateway: dict[str, Way]
    batch_seconds: float


def measure(rounds: int = ROUNDS) -> Measured:
    """Take turns, `rounds` times."""
    with ExitStack() as stack:
        quick = stack.enter_context(quick_aws.running(free_port()))
        command, grpc_port = [sys.executable, "-m", "handler.server"], free_port()
        speaks_grpc = find_spec("handler.rpc") is not None
        if speaks_grpc:
            command += ["--grpc-port", str(grpc_port)]
        port = stack.enter_context(serving([*command, "--port"], quick.environment()))
        callers: dict[str, Caller] = {"boto3": Direct(quick.endpoint), "REST": Rest(port)}
        if speaks_grpc:
            callers["gRPC"] = Grpc(grpc_port)
        for caller in callers.values():
            Way().measure(caller)  # the first ones are slower
        ways = {name: Way() for name in callers}
        batches = []
        for number in range(rounds):
            progress(f"Invocations through the gateway: round {number + 1} of {rounds} ...")
            for name, caller in callers.items():
                ways[name].measure(caller)
            batches.append(_seconds(partial(_batch, port)))
    return Measured(ways.pop("boto3"), ways, median(batches))


class Direct:
    """boto3, with a thread for each of many."""

    def __init__(self, endpoint: str) -> None:
        self._client: Any = boto3.client(
            "lambda",
            endpoint_url=endpoint,
            region_name=REGION,
            aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            config=Config(max_pool_connections=MANY),
        )

    def alone(self) -> float:
        """One after the other."""
        return _median_seconds(self._invoke)

    def at_once(self) -> float:
        """A thread each."""
        return _rate_of_threads(self._invoke)

    def _invoke(self) -> None:
        answer = self._client.invoke(FunctionName=_NAME, Payload=_PAYLOAD.encode(), LogType="Tail")
        assert answer["Payload"].read().decode() == _PAYLOAD


class Rest:
    """Raw sockets, which cost this process next to nothing."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._request = _post(port, "/api/v1/invoke", {"function_name": _NAME, "payload": _PAYLOAD})

    def alone(self) -> float:
        """Over one connection."""
        with socket.create_connection(("127.0.0.1", self._port)) as connection:
            return _median_seconds(partial(_asked, connection, self._request))

    def at_once(self) -> float:
        """A connection each, and on each the next request as soon as the answer is there."""
        with ExitStack() as stack, selectors.DefaultSelector() as readable:
            for _ in range(MANY):
                connection = stack.enter_context(
                    socket.create_connection(("127.0.0.1", self._port))
                )
                readable.register(connection, selectors.EVENT_READ)
                connection.sendall(self._request)
            answered, began = 0, time.perf_counter()
            while (took := time.perf_counter() - began) < SLICE_SECONDS:
                for key, _ in readable.select():
                    assert isinstance(key.fileobj, socket.socket)
                    _read_answer(key.fileobj)
                    key.fileobj.sendall(self._request)
                    answered += 1
        return answered / took


class Grpc:
    """A stub, with a thread for each of many."""

    def __init__(self, port: int) -> None:
        grpc: Any = import_module("grpc")
        messages = import_module("handler.rpc.lambda_action_pb2")
        services = import_module("handler.rpc.lambda_action_pb2_grpc")
        self._stub = services.LambdaActionStub(grpc.insecure_channel(f"127.0.0.1:{port}"))
        self._request = messages.InvokeFunctionRequest(
            function_name=_NAME,
            payload=_PAYLOAD,
            invocation_type="RequestResponse",
            token=quick_aws.token(),
        )

    def alone(self) -> float:
        """One after the other."""
        return _median_seconds(self._invoke)

    def at_once(self) -> float:
        """A thread each."""
        return _rate_of_threads(self._invoke)

    def _invoke(self) -> None:
        assert self._stub.InvokeFunction(self._request, wait_for_ready=True).payload == _PAYLOAD


def _batch(port: int) -> None:
    function = f"waits-{BATCH_MILLISECONDS}"
    invocations = [{"function_name": function, "payload": _PAYLOAD}] * BATCH
    with socket.create_connection(("127.0.0.1", port)) as connection:
        results = _asked(connection, _post(port, "/api/v1/batch", {"invocations": invocations}))
    assert [result["success"] for result in json.loads(results)["results"]] == [True] * BATCH


def _post(port: int, path: str, body: Any) -> bytes:
    raw = json.dumps(body).encode()
    head = (
        f"POST {path} HTTP/1.1\r\nhost: 127.0.0.1:{port}\r\nauthorization: Bearer {quick_aws.token()}\r\n"
        f"content-type: application/json\r\ncontent-length: {len(raw)}\r\n\r\n"
    )
    return head.encode() + raw


def _asked(connection: socket.socket, request: bytes) -> bytes:
    connection.sendall(request)
    return _read_answer(connection)


def _read_answer(connection: socket.socket) -> bytes:
    """The body of an answer, which must be 200."""
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _part(connection, received)
    assert received.startswith(b"HTTP/1.1 200"), received
    length = int(received[:end].lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    while len(received) < end + 4 + length:
        received += _part(connection, received)
    return received[end + 4 :]


def _part(connection: socket.socket, before: bytes) -> bytes:
    part = connection.recv(65_536)
    if not part:
        raise RuntimeError(f"the server hung up after {before!r}")
    return part


def _median_seconds(invoke: Callable[[], object]) -> float:
    return median(_while(invoke))


def _rate_of_threads(invoke: Callable[[], object]) -> float:
    began = time.perf_counter()
    with ThreadPoolExecutor(MANY) as threads:
        counts = list(threads.map(lambda _: len(list(_while(invoke))), range(MANY)))
    return sum(counts) / (time.perf_counter() - began)


def _while(invoke: Callable[[], object]) -> Iterator[float]:
    """Invoke again and again for a while; the seconds of each."""
    until = time.perf_counter() + SLICE_SECONDS
    while time.perf_counter() < until:
        yield _seconds(invoke)


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
