"""Child processes that never outlive us."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

# Seconds that a process group has to end by itself. The emulator would wait much longer, for connections that
# are open; as its state is in memory only, there is nothing to wait for.
_END_WITHIN = 1.0
# Controls, other marks that begin a line, marks that turn the direction of writing, and halves of characters.
_UNSEEN = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


class LocalError(Exception):
    """Something that the person at the terminal can do something about; its message is the line to print."""


def tool(name: str) -> str:
    """The path of a program of this environment or machine; LocalError if it is missing."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise LocalError(f"the program '{name}' is missing; install it and try again.")
    return found


def reason(said: str) -> str:
    """The line of a failed program's output that most likely says why it failed."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("Error", "ERROR"))]
    return errors[0] if errors else (lines or ["it said nothing"])[-1]


@contextmanager
def child(
    command: list[str],
    environment: Mapping[str, str],
    output: IO[bytes],
    cwd: Path,
    *,
    leashed: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    """A program in a process group of its own, of which nothing is left afterwards.

    If it is `leashed` (`local/leashed.py`), not even if this process is killed.
    """
    process = subprocess.Popen(
        command,
        env=environment,
        cwd=cwd,
        stdin=subprocess.PIPE if leashed else subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        _end_group(process)
        if process.stdin:
            process.stdin.close()


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """End the whole group: it may have children of its own, the function's workers."""
    give_up = time.monotonic() + _END_WITHIN
    try:
        os.killpg(process.pid, signal.SIGTERM)
        while time.monotonic() < give_up:
            process.poll()  # as a zombie it would still count as the group
            os.killpg(process.pid, 0)
            time.sleep(0.05)
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:  # the group is empty
        pass
    process.wait()


def spare_loopback() -> None:
    """Let nothing of ours, nor of the programs that we start, ask a proxy for what is on this machine."""
    spared = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    if spared.strip() != "*":
        spared = ",".join(filter(None, (spared, "127.0.0.1", "localhost")))
    os.environ |= {"no_proxy": spared, "NO_PROXY": spared}


def port_of(text: str) -> int:
    """The port that somebody named; LocalError if it is none."""
    if not re.fullmatch("[0-9]{1,5}", text) or not 0 < int(text) < 65536:
        raise LocalError(f"'{printable(text)}' is no port: name a whole number from 1 to 65535.")
    return int(text)


def spare_port() -> int:
    """A port of the loopback interface that nobody uses just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def printable(text: str) -> str:
    """Text that somebody chose, with what could move a terminal's cursor or lie to its reader written as in JSON.

    Line breaks stay.
    """
    return _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def refuse_taken(port: int, option: str) -> None:
    """Raise LocalError if the port is taken, before all the work that comes before its server's own start.

    `option` is how `make run` is told another one.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise LocalError(
                f"Port {port} cannot be had ({error.strerror}): end what uses it, or name another one"
                f" (make run {option})."
            ) from None
