"""The gateway under load: a process of its own, in front of a Lambda that can run as many as anybody asks for."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from local.processes import child
from tests import proof, quick_aws
from tests.embedded.conftest import free_port
from tests.embedded.serving import TOP
from tests.quick_aws import QuickAws, Seen

pytestmark = pytest.mark.embedded

MOST = 20
CALLERS = 200
STEADY_MEGABYTES = 4  # more than malloc keeps of what it had; a leak of 1 KB each would be 20


@dataclass(frozen=True)
class Gateway:
    """The server, and where it logs."""

    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def megabytes(self) -> float:
        """The memory that it has now (proc(5), statm: pages)."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * 4096 / 2**20


@dataclass(frozen=True)
class Answered:
    """An answer, and when it came."""

    status: int
    retry_after: str | None
    body: dict[str, Any]
    moment: float


@pytest.fixture(scope="module")
def quick() -> Iterator[QuickAws]:
    with quick_aws.running(free_port()) as running:
        yield running


@contextmanager
def gateway(quick: QuickAws, directory: Path, **settings: str) -> Iterator[Gateway]:
    port, log = free_port(), directory / "server.log"
    command = [sys.executable, "-m", "handler.server", "--grpc-port", "0", "--port", str(port)]
    with (
        log.open("wb") as output,
        child(command, quick.environment(**settings), output, cwd=TOP) as process,
    ):
        served = Gateway(port, process, log)
        asyncio.run(until_it_listens(served))
        quick.forget()
        yield served


async def until_it_listens(served: Gateway) -> None:
    for _ in range(300):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", served.port)
        except OSError:
            assert served.process.poll() is None, served.log.read_text()
            await asyncio.sleep(0.1)
        else:
            writer.close()
            return
    raise AssertionError(served.log.read_text())


class Client:
    """One connection, over which functions are invoked one after the other."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def of(cls, served: Gateway) -> Client:
        return cls(*await asyncio.open_connection("127.0.0.1", served.port))

    async def invokes(self, function: str, payload: str) -> Answered:
        body = json.dumps({"function_name": function, "payload": payload}).encode()
        head = (
            f"POST /api/v1/invoke HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {quick_aws.token()}\r\n"
            f"content-length: {len(body)}\r\n\r\n"
        )
        self._writer.write(head.encode() + body)
        first, *lines = (await self._reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines if line)
        answer = json.loads(await self._reader.readexactly(int(headers["content-length"])))
        status = int(first.split()[1])
        return Answered(status, headers.get("retry-after"), answer, time.monotonic())

    def leaves(self) -> None:
        self._writer.close()


async def at_once(served: Gateway, callers: int, function: str) -> list[Answered]:
    """Everybody is connected before the first one asks."""
    clients = [await Client.of(served) for _ in range(callers)]
    payloads = [json.dumps({"number": number}) for number in range(callers)]
    asked = zip(clients, payloads, strict=True)
    answers = await asyncio.gather(*(client.invokes(function, p) for client, p in asked))
    for client in clients:
        client.leaves()
    for answer, payload in zip(answers, payloads, strict=True):
        assert answer.status != 200 or answer.body["payload"] == payload, "somebody else's"
    return answers


def until_written(quick: QuickAws, records: int) -> Seen:
    """The log is written beside the invocations, and soon after."""
    for _ in range(100):
        if (seen := quick.seen()).written >= records:
            return seen
        time.sleep(0.1)
    raise AssertionError(seen)


def with_status(answers: Sequence[Answered], status: int) -> list[Answered]:
    return [answer for answer in answers if answer.status == status]


def test_of_many_clients_at_once_the_most_are_served_and_all_others_refused_before_the_first_answer(
    quick: QuickAws, tmp_path: Path
) -> None:
    with gateway(quick, tmp_path, MAX_CONCURRENT_REQUESTS=str(MOST)) as served:
        answers = asyncio.run(at_once(served, CALLERS, "waits-1000"))

        assert Counter(answer.status for answer in answers) == {200: MOST, 429: CALLERS - MOST}
        served_ones, refused = with_status(answers, 200), with_status(answers, 429)
        assert max(r.moment for r in refused) < min(s.moment for s in served_ones)
        assert {answer.retry_after for answer in refused} == {"1"}
        assert not any(answer.body["success"] for answer in refused)
        seen = until_written(quick, CALLERS + MOST)  # who was served also has a line from before
        assert (seen.invoked, seen.most_at_once, seen.now) == (MOST, MOST, 0)

        again = asyncio.run(at_once(served, MOST, "waits-100"))
        assert len(with_status(again, 200)) == MOST, "all places are free again"
        assert quick.seen().most_at_once == MOST
        assert "not logged" not in served.log.read_text()
    proof.record(
        "Invocations at once",
        f"{CALLERS} clients and {MOST} places: {MOST} at once at the function, {CALLERS - MOST} refused before"
        " its first answer, all in the log",
        CALLERS,
    )


@pytest.mark.parametrize(
    ("warm_up", "invocations"), [(500, 1000), pytest.param(2000, 20_000, marks=pytest.mark.prove)]
)
def test_memory_is_steady_and_every_invocation_is_in_the_log(
    warm_up: int, invocations: int, quick: QuickAws, tmp_path: Path
) -> None:
    with gateway(quick, tmp_path) as served:
        asyncio.run(one_after_the_other(served, warm_up))
        before = served.megabytes
        asyncio.run(one_after_the_other(served, invocations))
        after = served.megabytes
        assert after - before < STEADY_MEGABYTES, (before, after)
        assert until_written(quick, warm_up + invocations).invoked == warm_up + invocations
        assert "not logged" not in served.log.read_text()
    proof.record(
        "Invocations at once",
        f"{invocations:,} invocations by {MOST} clients: {after:.0f} MB of memory, {before:.0f} MB before, all"
        " in the log",
        invocations,
    )


async def one_after_the_other(served: Gateway, invocations: int) -> None:
    """Some clients, each with one invocation under way, until there were so many; no two payloads are alike."""
    numbers = iter(range(invocations))

    async def client() -> None:
        connected = await Client.of(served)
        for number in numbers:
            payload = json.dumps({"number": number, "text": "x" * (number % 2000)})
            answer = await connected.invokes("echoes", payload)
            assert (answer.status, answer.body["payload"]) == (200, payload)
        connected.leaves()

    await asyncio.gather(*(client() for _ in range(MOST)))
