"""`python -m handler.server` with clients that dawdle, leave or are too many."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import world

pytestmark = pytest.mark.slow

READ_SECONDS, CONNECTIONS = 1, 6
HEAD = b"POST /webhooks/kofi HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n"
ALIVE = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"


@dataclass
class Server:
    """A server that asks nothing of AWS, and its log."""

    port: int
    log: Path

    def connected(self) -> socket.socket:
        """A connection to it."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    def lines(self) -> list[dict[str, object]]:
        """What it has logged."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = tmp_path_factory.mktemp("server") / "log"
    command = [sys.executable, "-m", "handler.server", "--grpc-port", "0", "--port", str(port)]
    command += ["--read-seconds", str(READ_SECONDS), "--connections", str(CONNECTIONS)]
    command += ["--open-metrics"]
    environment = os.environ | world.least_environment()
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output)
    try:
        made = Server(port, log)
        until = time.monotonic() + 30
        while True:
            try:
                made.connected().close()
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until
                time.sleep(0.05)
        yield made
    finally:
        process.terminate()
        process.wait(timeout=20)


def received(connection: socket.socket) -> bytes:
    """All that comes until the server closes the connection."""
    parts = []
    while part := connection.recv(65536):
        parts.append(part)
    return b"".join(parts)


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\nx: "])
def test_a_connection_on_which_no_request_arrives_is_closed(server: Server, sent: bytes) -> None:
    began = time.monotonic()
    with server.connected() as connection:
        connection.sendall(sent)
        assert received(connection) == b""
    assert READ_SECONDS / 2 < time.monotonic() - began < READ_SECONDS + 5


def test_a_head_that_dribbles_in_is_not_waited_for_either_not_even_after_an_answer(
    server: Server,
) -> None:
    with server.connected() as connection:
        connection.sendall(ALIVE)
        said = b""
        while b"healthy" not in said:
            said += connection.recv(65536)
        began = time.monotonic()
        with suppress(OSError):  # it is closed, or reset while sending
            while time.monotonic() < began + 15 and _is_open(connection):
                connection.sendall(b"x")
                time.sleep(0.2)
    assert time.monotonic() - began < READ_SECONDS + 5


def _is_open(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(65536) != b""
    except BlockingIOError:
        return True
    finally:
        connection.setblocking(True)


def test_a_body_that_does_not_arrive_is_told_so(server: Server) -> None:
    with server.connected() as connection:
        connection.sendall(HEAD + b"data=")
        said = received(connection)
    assert said.startswith(b"HTTP/1.1 408 ")
    assert b"VALIDATION_ERROR" in said


def test_a_client_that_leaves_in_the_midst_of_its_body_is_no_failure_inside(server: Server) -> None:
    before = len(server.lines())
    with server.connected() as connection:
        connection.sendall(HEAD + b"data=")
    until = time.monotonic() + 10
    while len(server.lines()) == before and time.monotonic() < until:
        time.sleep(0.05)
    (line,) = server.lines()[before:]
    assert (line["level"], line["outcome"]) == ("INFO", "VALIDATION_ERROR")
    assert "Traceback" not in server.log.read_text()


def test_a_client_that_takes_its_time_within_the_limit_is_served(server: Server) -> None:
    with server.connected() as connection:
        for part in (ALIVE[:10], ALIVE[10:20], ALIVE[20:]):
            connection.sendall(part)
            time.sleep(READ_SECONDS / 5)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")


def test_metrics_need_no_token_where_the_operator_opens_them(server: Server) -> None:
    with server.connected() as connection:
        connection.sendall(b"GET /metrics HTTP/1.0\r\nhost: x\r\n\r\n")
        said = received(connection)
    assert said.startswith(b"HTTP/1.1 200 ")
    assert b"http_requests_total" in said


def test_more_connections_than_it_may_have_are_told_to_come_again(server: Server) -> None:
    idle = [server.connected() for _ in range(CONNECTIONS - 1)]
    try:
        with server.connected() as connection:
            connection.sendall(ALIVE)
            assert connection.recv(65536).startswith(b"HTTP/1.1 503 ")
    finally:
        for each in idle:
            each.close()
    time.sleep(0.2)
    with server.connected() as connection:
        connection.sendall(ALIVE)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
