"""The server of HTTP and gRPC beside the embedded AWS, with the environment that the deployed function has."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from local import stack
from local.embedded import CREDENTIALS, REGION, Embedded
from local.processes import LocalError, child, reason

PORT, GRPC_PORT = 8080, 50060
_READY_WITHIN = 30  # seconds; about 2 are usual


@dataclass
class Server:
    """A running server."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path
    _read: int = 0

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def fresh(self) -> list[str]:
        """The lines of its log since the last call."""
        with self.log.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")[0]
        self._read += len(whole) + 1 if whole else 0
        return whole.decode(errors="replace").splitlines()


@contextmanager
def running(aws: Embedded, port: int = PORT, grpc_port: int = GRPC_PORT) -> Iterator[Server]:
    """Serve HTTP on 127.0.0.1:`port`, and gRPC; nothing is left at the end. LocalError if it does not start."""
    log = aws.directory / "server.log"
    command = [sys.executable, "-m", "local.leashed", "handler.server", "--port", str(port)]
    command += ["--grpc-port", str(grpc_port), "--open-metrics"]
    with (
        log.open("wb") as output,
        child(command, environment(aws), output, cwd=stack.TOP, leashed=True) as process,
    ):
        server = Server(port, process, log)
        _wait_until_ready(server)
        yield server


def environment(aws: Embedded) -> dict[str, str]:
    """The deployed function's, and what Lambda would add."""
    function = aws.client("lambda").get_function_configuration(FunctionName=stack.FUNCTION)
    given: Mapping[str, str] = function["Environment"]["Variables"]
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return {
        **kept,
        **given,
        **CREDENTIALS,
        "AWS_REGION": REGION,
        "AWS_ENDPOINT_URL": aws.endpoint,
        "AWS_LAMBDA_FUNCTION_NAME": stack.FUNCTION,
    }


def demo_token(aws: Embedded, user: str) -> str:
    """A token for a member of the demo community, as an operator issues one."""
    issued = subprocess.run(
        [sys.executable, "-m", "handler.token", user],
        env=environment(aws),
        cwd=stack.TOP,
        capture_output=True,
        text=True,
        check=False,
    )
    if issued.returncode:
        raise LocalError(f"No token could be issued: {reason(issued.stderr)}")
    return issued.stdout.strip()


def _wait_until_ready(server: Server) -> None:
    give_up = time.monotonic() + _READY_WITHIN
    while time.monotonic() < give_up and server.process.poll() is None:
        try:
            with urlopen(f"{server.url}/healthz", timeout=2):  # noqa: S310 - http, see url
                return
        except OSError:  # nobody listens yet
            time.sleep(0.1)
    raise LocalError(f"The server did not start: {reason(server.log.read_text())}")
