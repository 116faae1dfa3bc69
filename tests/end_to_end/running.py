"""A `make run` for a module of tests, and what they ask of it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.embedded import CREDENTIALS, endpoint
from local.stack import FUNCTION, TOP

# A proxy that nobody answers, for http alone, and no exception from it: what is on this machine must be reached.
# `make test` tells the make that a test calls of itself.
LEFT_OUT = ("no_proxy", "makelevel", "makeflags", "mflags")
BEHIND_PROXY = {n: v for n, v in os.environ.items() if n.lower() not in LEFT_OUT}
BEHIND_PROXY |= dict.fromkeys(("http_proxy", "HTTP_PROXY"), "http://127.0.0.1:9")
AWS_CLI = Path(sys.executable).parent / "aws"
MEMBER = "300000000000000001"


@dataclass
class Run:
    """A `make run` that has said it is ready."""

    process: subprocess.Popen[str]
    port: int
    http_port: int
    grpc_port: int
    discord_port: int
    said: list[str]  # line by line, as it comes

    @property
    def url(self) -> str:
        """Where HTTP is answered."""
        return f"http://127.0.0.1:{self.http_port}"

    def says(self, text: str, *, within: float) -> None:
        """Wait until a line that matches `text` has been printed; `within` seconds."""
        give_up = time.monotonic() + within
        while not any(re.search(text, line) for line in self.said):
            assert self.process.poll() is None, "".join(self.said)
            assert time.monotonic() < give_up, "".join(self.said)
            time.sleep(0.1)

    def aws_cli(self, action: str, answer: Path, **fields: Any) -> dict[str, Any]:
        """Invoke with the real AWS CLI, as the ready block says."""
        payload = json.dumps({"action": action, "userId": MEMBER, **fields})
        command: list[str | Path] = [AWS_CLI, "lambda", "invoke", "--function-name", FUNCTION]
        environment = {**os.environ, **CREDENTIALS, "AWS_ENDPOINT_URL": endpoint(self.port)}
        called = subprocess.run(
            [*command, "--payload", payload, answer],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert called.returncode == 0, called.stderr
        return json.loads(answer.read_text())

    def make_invoke(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return make_invoke(self.port, *arguments)

    def status(self) -> dict[str, Any]:
        return json.loads(self.make_invoke("ACTION=status", f"USER={MEMBER}").stdout)

    def status_becomes(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first status that is as wanted, within 30 s."""
        give_up = time.monotonic() + 30
        while not wanted(found := self.status()):
            assert time.monotonic() < give_up, found
        return found


def make_invoke(port: int, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", "--silent", "invoke", f"PORT={port}", *arguments],
        cwd=TOP,
        env=BEHIND_PROXY,
        capture_output=True,
        text=True,
        check=False,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(**variables: str) -> Iterator[Run]:
    """A run that is ready, and is ended as Ctrl-C does; `variables` are its environment's, besides."""
    port, http_port, grpc_port, discord_port = (free_port() for _ in range(4))
    ports = ["--port", str(port), "--http-port", str(http_port), "--grpc-port", str(grpc_port)]
    ports += ["--discord-port", str(discord_port)]
    process = subprocess.Popen(
        [sys.executable, "-m", "local", *ports],
        cwd=TOP,
        env=BEHIND_PROXY | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    said: list[str] = []
    reader = threading.Thread(target=lambda: said.extend(process.stdout or ()))
    reader.start()
    started = Run(process, port, http_port, grpc_port, discord_port, said)
    try:
        started.says("server's follow", within=120)
        yield started
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)  # much of it goes into removing files
        reader.join()
