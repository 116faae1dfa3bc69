"""An AWS that costs next to nothing: what one invocation through the gateway asks for, answered as fast as can be.

A process of its own, `python -m tests.quick_aws PORT`, so that neither a benchmark nor a test of many at once waits
for it. Any function is there: it answers what it was sent, after so many milliseconds as its name ends with
(`waits-200`). Every client is there, too, and may invoke whatever the operator allows.

GET /seen says what came: invocations, how many of them at once at most, and records written. POST /forget begins
anew.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import jwt

from local.embedded import CREDENTIALS, REGION
from tests.world import least_environment

STACK = "quick"
TOP = Path(__file__).resolve().parents[1]
TOKEN_KEY = "the-key-that-signs-the-tokens-of-an-AWS-that-is-quick"
GENERATION = "1"
_ITEM = json.dumps(
    {
        "Item": {
            "clientId": {"S": "client"},
            "secretHash": {"S": ""},
            "generation": {"S": GENERATION},
            "scopes": {"L": [{"S": "invoke"}, {"S": "read"}]},
            "functions": {"L": [{"S": "*"}]},
            "createdAt": {"N": "1"},
            "createdBy": {"S": "admin"},
            "changedAt": {"N": "1"},
        }
    }
).encode()
_SECRET = json.dumps({"SecretString": json.dumps({"key": TOKEN_KEY})}).encode()
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_TARGET = re.compile(rb"\r\nx-amz-target: *[A-Za-z0-9_]+\.([A-Za-z]+)", re.IGNORECASE)
_INVOKED = re.compile(rb"POST /2015-03-31/functions/[^/ ]*?(?:-(\d+))?/invocations")
_EXECUTED = b"X-Amz-Executed-Version: $LATEST\r\nX-Amz-Log-Result: U1RBUlQKRU5ECg==\r\n"


@dataclass
class Seen:
    """What has been asked so far."""

    invoked: int = 0
    now: int = 0
    most_at_once: int = 0
    written: int = 0

    def forget(self) -> None:
        """Begin anew; what is under way stays so."""
        self.invoked = self.written = 0
        self.most_at_once = self.now


class Connection(asyncio.Protocol):
    """One connection, on which one request follows the other's answer."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._received = bytearray()
        self._missing = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Somebody is there."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer once the request is whole; a large one is not looked through for each of its parts."""
        self._received += data
        if len(self._received) < self._missing:
            return
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = bytes(self._received[:end])
        found = _LENGTH.search(head)
        self._missing = end + 4 + (int(found[1]) if found else 0)
        if len(self._received) < self._missing:
            return
        body = bytes(self._received[end + 4 :])
        self._received.clear()
        self._missing = 0
        self._answer(head, body)

    def _answer(self, head: bytes, body: bytes) -> None:
        if invoked := _INVOKED.match(head):
            self._seen.invoked += 1
            self._seen.now += 1
            self._seen.most_at_once = max(self._seen.most_at_once, self._seen.now)
            if invoked[1]:
                loop = asyncio.get_running_loop()
                loop.call_later(int(invoked[1]) / 1000, self._end, body)
            else:
                self._end(body)
        elif target := _TARGET.search(head):
            self._send(self._asked(target[1], body))
        elif head.startswith(b"GET /seen"):
            self._send(json.dumps(vars(self._seen)).encode())
        else:
            self._seen.forget()
            self._send(b"{}")

    def _end(self, body: bytes) -> None:
        self._seen.now -= 1
        self._send(body, _EXECUTED)

    def _asked(self, name: bytes, body: bytes) -> bytes:
        if name == b"BatchWriteItem":
            self._seen.written += body.count(b'"PutRequest"')
            return b'{"UnprocessedItems": {}}'
        if name == b"GetItem":
            return _ITEM if b'-clients"' in body else b"{}"
        return _SECRET if name == b"GetSecretValue" else b"{}"

    def _send(self, body: bytes, more: bytes = b"") -> None:
        self._transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nx-amzn-RequestId: 1\r\n"
            b"%bContent-Length: %d\r\n\r\n%b" % (more, len(body), body)
        )


@dataclass(frozen=True)
class QuickAws:
    """A running one."""

    port: int

    @property
    def endpoint(self) -> str:
        """Where every service answers."""
        return f"http://127.0.0.1:{self.port}"

    def seen(self) -> Seen:
        """What came since it began, or began anew."""
        with urlopen(f"{self.endpoint}/seen", timeout=10) as answer:  # noqa: S310 - loopback
            return Seen(**json.load(answer))

    def forget(self) -> None:
        """Begin anew."""
        with urlopen(f"{self.endpoint}/forget", data=b"", timeout=10):  # noqa: S310 - loopback
            pass

    def environment(self, **settings: str) -> dict[str, str]:
        """What `python -m handler.server` needs in order to have functions invoked here."""
        return {
            "PATH": os.environ["PATH"],
            **least_environment(),
            **CREDENTIALS,
            "AWS_REGION": REGION,
            "AWS_ENDPOINT_URL": self.endpoint,
            "STACK": STACK,
            "LISTENER_ARN": f"arn:aws:elasticloadbalancing:{REGION}:123456789012:listener/app/a/b/c",
            "TOKEN_SECRET_ARN": "token-key",
            "INVOKABLE_FUNCTIONS": "*",
            **settings,
        }


def token() -> str:
    """A token of the one client, as the platform issues it."""
    now = int(time.time())
    claims = {
        "iss": "foundry-platform",
        "aud": f"{STACK}/clients",
        "sub": "client",
        "generation": GENERATION,
        "iat": now,
        "exp": now + 3600,
        "jti": "1",
    }
    return jwt.encode(claims, TOKEN_KEY, algorithm="HS256")


@contextmanager
def running(port: int) -> Iterator[QuickAws]:
    """Start one on 127.0.0.1:`port`, and end it."""
    with subprocess.Popen([sys.executable, "-m", "tests.quick_aws", str(port)], cwd=TOP) as process:
        try:
            quick = QuickAws(port)
            _until_it_answers(quick)
            yield quick
        finally:
            process.terminate()


def _until_it_answers(quick: QuickAws) -> None:
    give_up = time.monotonic() + 30
    while True:
        try:
            quick.seen()
            return
        except OSError:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.05)


async def _serve(port: int) -> None:
    seen = Seen()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Connection(seen), "127.0.0.1", port, backlog=1024)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1])))
