"""A gRPC server on a port of its own, behind it the emulated AWS."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from anyio import to_thread

from handler.app import platform
from handler.rpc.lambda_action_pb2_grpc import LambdaActionStub
from handler.rpc.serving import RpcServer
from tests.rpc.clients import token_of
from tests.world import new_process


class Served:
    """A server in a thread and a loop of its own."""

    def __init__(self, threads: int = 60, read_seconds: float = 10) -> None:
        self.port = 0
        self._threads = threads
        self._read_seconds = read_seconds
        self._begun = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._end = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=[self._serve()])

    async def _serve(self) -> None:
        to_thread.current_default_thread_limiter().total_tokens = self._threads
        server = RpcServer(platform(), "127.0.0.1:0", self._threads, self._read_seconds)
        self.port = await server.start()
        self._begun.set()
        await self._end.wait()
        await server.stop(0)

    def __enter__(self) -> grpc.Channel:
        self._thread.start()
        assert self._begun.wait(10)
        self.channel = grpc.insecure_channel(
            f"127.0.0.1:{self.port}",
            options=[("grpc.max_receive_message_length", 16_000_000)],
        )
        return self.channel

    def __exit__(self, *_: object) -> None:
        self.channel.close()
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def channel(aws: dict[str, str]) -> Iterator[grpc.Channel]:
    """A channel to the server."""
    with Served() as channel:
        yield channel


@pytest.fixture
def token(invoke: Callable[..., dict[str, Any]], monkeypatch: pytest.MonkeyPatch) -> str:
    """The token of a client that may do everything with functions whose names begin with "my-"."""
    monkeypatch.setenv("INVOKABLE_FUNCTIONS", "my-*,other-*")
    new_process()
    return token_of(invoke, "my_client", scopes=["invoke", "read"], functions=["my-*"])


@pytest.fixture
def stub(token: str, channel: grpc.Channel) -> LambdaActionStub:
    """The contract's client, for who has the token."""
    return LambdaActionStub(channel)
