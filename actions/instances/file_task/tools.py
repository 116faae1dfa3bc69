"""restic and rclone."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .failures import Failed

# How restic 0.14 to 0.18 and rclone 1.60 to 1.75 say what went wrong; the first that fits.
_SAID = {
    "no-space": re.compile(
        r"no space left on device|disk quota exceeded|too big for remaining disk space", re.I
    ),
    "wrong-password": re.compile(r"wrong password or no key found", re.I),
    "unreachable": re.compile(
        r"connection (refused|reset)|no such host|no route to host|time(d )?-?out|access ?denied"
        r"|forbidden|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|NoCredentialProviders|SlowDown"
        r"|NoSuchBucket|bucket does not exist|directory not found|service unavailable|internal error",
        re.I,
    ),
    "no-repository": re.compile(r"is there a repository at|repository does not exist", re.I),
    "damaged": re.compile(
        r"verification failed|does not match|mismatch|not found in (repository|index)|wrong length"
        r"|invalid data returned|does not exist|(unable|failed) to load|unexpected EOF"
        r"|cannot be (loaded|decrypted)",
        re.I,
    ),
}
_RESTIC_CODES = {10: "no-repository", 12: "wrong-password"}  # from 0.17 on
NOT_THERE = (3, 4)  # rclone's codes where there is no such directory or file
_PATIENCE_SECONDS = 60  # for a tool to end once it has been interrupted
PROBLEM = 200  # characters of what a tool says


@dataclass(frozen=True)
class Ran:
    """A tool that has ended: its exit code, its output and the last lines of its errors."""

    code: int
    out: bytes
    said: str


class Tools:
    """restic and rclone, each with no more of the environment than it needs, and no secret as an argument."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.data = Path(os.path.realpath(environment.get("DATA", "/data")))
        self.scratch = Path(os.path.realpath(environment.get("SCRATCH", "/scratch")))
        self._directory = environment.get("TOOLS", "/tools")
        self._endpoint = environment["S3_ENDPOINT"]
        self._region = environment["AWS_REGION"]
        self._restic = {k: v for k, v in environment.items() if k.startswith("RESTIC_")}
        ours = ("RESTIC_", "RCLONE_", "ORDER")
        # rclone 1.60 refuses to work with a bundle named by this variable.
        self._common = {
            k: v
            for k, v in environment.items()
            if not k.startswith((*ours, "AWS_CA_BUNDLE", "PWD"))
        }
        hidden = (
            "RESTIC_PASSWORD",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_ACCESS_KEY_ID",
        )
        self._secrets = [environment[name] for name in hidden if environment.get(name)]

    def restic(self, *arguments: str, **how: Any) -> Ran:
        """Run restic on this server's repository."""
        return self._run("restic", arguments, **how)

    def rclone(self, *arguments: str, **how: Any) -> Ran:
        """Run rclone, whose `store:` is S3; what it cannot reach it gives up within a minute."""
        return self._run("rclone", arguments, **how)

    def hide(self, text: str) -> str:
        """The text without any secret."""
        for secret in self._secrets:
            text = text.replace(secret, "[hidden]")
        return text

    def failure(self, ran: Ran) -> Failed:
        """What a tool's end means."""
        word = next((word for word, pattern in _SAID.items() if pattern.search(ran.said)), "")
        word = _RESTIC_CODES.get(ran.code) or word or "unexpected"
        print(self.hide(ran.said), file=sys.stderr, flush=True)
        lines = ran.said.strip().splitlines() or [f"ended with {ran.code}"]
        return Failed(word, self.hide(lines[-1])[:PROBLEM] if word == "unexpected" else "")

    def must(self, ran: Ran) -> Ran:
        """Raise unless the tool has done it."""
        if ran.code:
            raise self.failure(ran)
        return ran

    def _run(
        self,
        tool: str,
        arguments: Sequence[str],
        *,
        cwd: Path | None = None,
        given: bytes = b"",
        on_line: Callable[[bytes], None] | None = None,
    ) -> Ran:
        """Lines go to `on_line`, if that is given, instead of being kept."""
        said: deque[str] = deque(maxlen=40)
        process = subprocess.Popen(  # noqa: S603 - a program of ours, no shell
            [self._path(tool), *arguments],
            cwd=cwd,
            env=self._environment(tool),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            errors = threading.Thread(
                target=_follow, args=(process.stderr, said, on_line), daemon=True
            )
            errors.start()
            out = _exchange(process, given, on_line)
            code = process.wait()
            errors.join()
        except BaseException:
            _interrupt(process)
            raise
        return Ran(code, out, "\n".join(said))

    def _path(self, tool: str) -> str:
        found = shutil.which(tool, path=self._directory) or shutil.which(tool)
        if found is None:
            raise Failed("no-tools", f"There is no {tool}.")
        return found

    def _environment(self, tool: str) -> dict[str, str]:
        temporary = self.scratch / "temporary"
        temporary.mkdir(parents=True, exist_ok=True)
        common = {**self._common, "TMPDIR": str(temporary), "AWS_DEFAULT_REGION": self._region}
        if tool == "restic":
            cache = {"RESTIC_CACHE_DIR": str(self.scratch / "cache"), "RESTIC_PROGRESS_FPS": "1"}
            return {**common, **self._restic, **cache}
        # Path style, which the provider AWS would not do, is what an address without names below it needs.
        provider = "AWS" if ".amazonaws.com" in self._endpoint else "Minio"
        store = {"TYPE": "s3", "PROVIDER": provider, "ENV_AUTH": "true", "NO_CHECK_BUCKET": "true"}
        store |= {"ENDPOINT": self._endpoint, "REGION": self._region}
        limits = {"LOW_LEVEL_RETRIES": "5", "RETRIES": "2", "CONTIMEOUT": "10s", "TIMEOUT": "60s"}
        limits["STREAMING_UPLOAD_CUTOFF"] = "1M"  # any result at once, not as an upload in parts
        return {
            **common,
            **{f"RCLONE_{name}": value for name, value in limits.items()},
            **{f"RCLONE_CONFIG_STORE_{name}": value for name, value in store.items()},
            "RCLONE_CONFIG": os.devnull,
            "RCLONE_CACHE_DIR": str(self.scratch / "cache"),
        }


def _follow(
    lines: Iterable[bytes], said: deque[str], on_line: Callable[[bytes], None] | None
) -> None:
    for line in lines:
        if on_line and b'"stats":' in line:  # how rclone says how far it is
            on_line(line)
        else:
            said.append(line.decode(errors="replace").rstrip()[:1000])


def _exchange(
    process: subprocess.Popen[bytes], given: bytes, on_line: Callable[[bytes], None] | None
) -> bytes:
    assert process.stdin  # noqa: S101 - for mypy: both are pipes
    assert process.stdout  # noqa: S101
    with suppress(BrokenPipeError):
        process.stdin.write(given)
        process.stdin.close()
    if on_line is None:
        return process.stdout.read()
    for line in process.stdout:
        on_line(line)
    return b""


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """Have a tool end in good order: restic removes its lock."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
