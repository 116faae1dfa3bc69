"""An AWS of one's own on this machine: a ministack process on the loopback interface."""

from __future__ import annotations

import fcntl
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import boto3
from botocore.config import Config

from local.processes import LocalError, child, reason, refuse_taken

PORT = 4566
REGION = "us-east-1"
# What an AWS client needs to talk to the embedded AWS. The key `test` is the account's root there.
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": REGION,
}
_TOP = Path(__file__).resolve().parent.parent
_KEPT = ("PATH", "HOME", "LANG", "PLAYED_AT_MOST")
# How many seconds things take where servers are played, for those who cannot wait; 1, 2 and 4 unless these say so.
_PACES = ("PLAYED_MACHINE_SECONDS", "PLAYED_IMAGE_SECONDS", "PLAYED_FOUNDRY_SECONDS")
_ENDED_WITHIN = 10
_READY_WITHIN = 60  # seconds; about 2 are usual
# The function's own limit is 300 s; a call that takes longer, or fails, is not repeated behind our back.
_CALL = Config(connect_timeout=5, read_timeout=310, retries={"total_max_attempts": 1})


@dataclass(frozen=True)
class Embedded:
    """A running embedded AWS."""

    port: int
    directory: Path  # its own, removed at its end
    process: subprocess.Popen[bytes]

    @property
    def endpoint(self) -> str:
        """Where every service answers."""
        return endpoint(self.port)

    @property
    def log(self) -> Path:
        """What the emulator says."""
        return self.directory / "ministack.log"

    def client(self, service: str) -> Any:
        """A boto3 client with root's rights."""
        return client(service, self.port)


def endpoint(port: int) -> str:
    """The address of the embedded AWS on `port`."""
    return f"http://127.0.0.1:{port}"


def client(service: str, port: int) -> Any:
    """A boto3 client of the embedded AWS on `port`, whatever AWS the terminal's environment points to."""
    return boto3.client(  # type: ignore[call-overload]
        service,
        endpoint_url=endpoint(port),
        region_name=REGION,
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
        config=_CALL,
    )


@contextmanager
def running(
    port: int = PORT, *, auth: bool = False, servers: str = "", lightly: bool = False
) -> Iterator[Embedded]:
    """Start an embedded AWS on 127.0.0.1:`port`; at the end, end it and all that it started.

    With `auth` it checks signatures and policies, so that the function has the rights of its role only. `servers`
    names the cluster whose tasks, and those of `<it>-releases`, are really run (`local/servers.py`); elsewhere they
    are RUNNING at once, for ever. `lightly`: without processes (`local/light.py`).
    Raises LocalError if the port is taken or the start fails.
    """
    refuse_taken(port, "PORT=4567")
    with tempfile.TemporaryDirectory(prefix=f"embedded-aws-{port}-") as name:
        directory = Path(name)
        command = [sys.executable, "-m", "local.leashed", "local.fargate"]
        environment = _environment(port, directory, auth=auth) | {"PLAYED_SERVERS": servers}
        environment |= {"PLAYED_LIGHTLY": "yes"} if lightly else {}
        with (
            _all_ended(directory / "tasks.lock"),
            (directory / "ministack.log").open("wb") as output,
            child(command, environment, output, cwd=_TOP, leashed=True) as process,
        ):
            embedded = Embedded(port, directory, process)
            _wait_until_ready(embedded)
            yield embedded


@contextmanager
def _all_ended(lock: Path) -> Iterator[None]:
    """Wait at the end until no container is left: each holds the lock for as long as anything of it is there."""
    lock.touch()
    try:
        yield
    finally:
        give_up = time.monotonic() + _ENDED_WITHIN
        with lock.open() as held:
            while time.monotonic() < give_up:
                try:
                    fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except OSError:  # they are about to end: who played them is gone
                    time.sleep(0.02)


def _environment(port: int, directory: Path, *, auth: bool) -> dict[str, str]:
    """Only what is named here: the emulator hands its own environment on to the function."""
    kept = {name: os.environ[name] for name in (*_KEPT, *_PACES) if name in os.environ}
    return {
        **kept,
        "GATEWAY_PORT": str(port),
        "BIND_HOST": "127.0.0.1",
        "MINISTACK_REGION": REGION,
        "AUTH": "true" if auth else "false",
        "TMPDIR": str(directory),
        "IOT_MTLS_ENABLED": "0",  # would listen on every interface
        "DOCKER_HOST": f"unix://{directory}/none",  # with Docker or without, the run is the same
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _wait_until_ready(embedded: Embedded) -> None:
    give_up = time.monotonic() + _READY_WITHIN
    while time.monotonic() < give_up and embedded.process.poll() is None:
        try:
            with urlopen(f"{embedded.endpoint}/_ministack/health", timeout=2):  # noqa: S310 - http, see endpoint
                return
        except OSError:  # nobody listens yet
            time.sleep(0.1)
    raise LocalError(f"The embedded AWS did not start: {reason(embedded.log.read_text())}")
