"""What HTTP costs: from a fresh interpreter to the first answer, and requests per second of a running server.

Both against a bare FastAPI doing the same, in turns. The first runs with the packages that are deployed and no
others; the second has one connection-keeping client of raw sockets, which is not the slower side.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.cold_start import build, environment_of, seconds
from bench.report import progress
from local.embedded import CREDENTIALS
from tests.world import least_environment

PAIRS = 15
ROUNDS = 9
SLICE_SECONDS = 1.0
CONNECTIONS = 8
_NOWHERE = "http://127.0.0.1:9"  # neither program asks anything of AWS

_EVENT = """
event = {
    "version": "2.0", "rawPath": "/health", "rawQueryString": "", "headers": {"host": "x.example"},
    "requestContext": {"apiId": "x", "stage": "$default", "requestId": "x",
                       "http": {"method": "GET", "path": "/health", "sourceIp": "192.0.2.1"}},
    "isBase64Encoded": False,
}
"""
HELLO = """
from fastapi import FastAPI
from mangum import Mangum
app = FastAPI()
@app.get("/health")
async def health():
    return {"status": "healthy"}
"""
BARE = f"{HELLO}{_EVENT}\nassert Mangum(app, lifespan='off')(event, None)['statusCode'] == 200\n"
OURS = f"from handler.app import lambda_handler{_EVENT}\nassert lambda_handler(event, None)['statusCode'] == 200\n"
SERVER = f"""{HELLO}
import sys, uvicorn
uvicorn.run(app, port=int(sys.argv[1]), lifespan="off", log_level="warning", access_log=False)
"""


@dataclass(frozen=True)
class Pair:
    """Medians of a bare FastAPI and of ours: seconds, or requests per second."""

    bare: float
    ours: float

    @property
    def ratio(self) -> float:
        """Ours by the bare one."""
        return self.ours / self.bare


def first_answer(pairs: int = PAIRS) -> Pair:
    """Seconds from a fresh interpreter to the first answer through Mangum."""
    build()
    environment = environment_of(_NOWHERE)
    for program in (BARE, OURS):
        seconds(program, environment)  # leaves the bytecode behind
    bare, ours = [], []
    for pair in range(pairs):
        progress(f"First HTTP answers: pair {pair + 1} of {pairs} ...")
        bare.append(seconds(BARE, environment))
        ours.append(seconds(OURS, environment))
    return Pair(median(bare), median(ours))


def throughput(rounds: int = ROUNDS) -> Pair:
    """Requests per second of GET /health under uvicorn, one process each."""
    environment = {
        "PATH": os.environ["PATH"],
        **least_environment(),
        **CREDENTIALS,
        "AWS_REGION": "us-east-1",
    }
    with (
        serving([sys.executable, "-c", SERVER], environment) as bare_port,
        serving(
            [sys.executable, "-m", "handler.server", "--grpc-port", "0", "--port"], environment
        ) as our_port,
    ):
        _rate(bare_port), _rate(our_port)  # the first requests are slower
        bare, ours = [], []
        for number in range(rounds):
            progress(f"Requests per second: round {number + 1} of {rounds} ...")
            bare.append(_rate(bare_port))
            ours.append(_rate(our_port))
    return Pair(median(bare), median(ours))


@contextmanager
def serving(command: list[str], environment: dict[str, str]) -> Iterator[int]:
    """Start a server, whose command ends with its port; yields the port once it listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    top = Path(__file__).resolve().parents[1]
    with subprocess.Popen(
        [*command, str(port)], env=environment, cwd=top, stdout=subprocess.DEVNULL
    ) as process:
        try:
            _until_it_listens(port, process)
            yield port
        finally:
            process.terminate()


def _until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    give_up = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < give_up:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise RuntimeError("the server did not start")


def _rate(port: int) -> float:
    """Requests per second that the server on `port` answers to a few connections in turn."""
    request = b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n"
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(CONNECTIONS)]
    answered, began = 0, time.perf_counter()
    while (took := time.perf_counter() - began) < SLICE_SECONDS:
        for connection in connections:
            connection.sendall(request)
        for connection in connections:
            _read_answer(connection)
        answered += len(connections)
    for connection in connections:
        connection.close()
    return answered / took


def _read_answer(connection: socket.socket) -> None:
    received = b""
    while b'"status":"healthy"' not in received or not received.endswith(b"}"):
        part = connection.recv(4096)
        if not part:
            raise RuntimeError(f"the server hung up after {received!r}")
        received += part
    assert received.startswith(b"HTTP/1.1 200"), received
