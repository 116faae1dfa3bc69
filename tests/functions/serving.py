"""The server in a thread of this process, and a client that follows a function's log."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable
from http.client import HTTPConnection
from typing import Any

import uvicorn
from anyio import to_thread

from handler.app import platform
from handler.http.application import build
from handler.rpc.serving import RpcServer
from handler.server import Server
from tests.functions.member import ALICE, Member
from tests.http.issuing import own

THREADS, PATIENCE = 60, 20  # seconds


def eventually(is_so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    until = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.01)


class Serving:
    """The server."""

    def __init__(self) -> None:
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port = self.listening.getsockname()[1]
        config = uvicorn.Config(
            build(platform()), http="h11", lifespan="off", log_level="warning", access_log=False
        )
        rpc = RpcServer(platform(), "127.0.0.1:0", THREADS, 10)
        self.server = Server(config, platform(), rpc, THREADS)
        self.thread = threading.Thread(target=asyncio.run, args=[self._serve()])
        self.loop: Any = None
        self.limiter: Any = None
        self.own_tasks: Any = None

    async def _serve(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.limiter = to_thread.current_default_thread_limiter()
        await self.server.serve(sockets=[self.listening])

    def __enter__(self) -> Serving:
        self.thread.start()
        eventually(lambda: self.server.started)
        self.own_tasks = asyncio.all_tasks(self.loop)
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True  # as a signal says
        self.thread.join(PATIENCE)
        assert not self.thread.is_alive()

    def is_at_rest(self) -> bool:
        """Whether nobody follows, no request is under way, no thread at work, no task in the loop but its own."""
        requests = self.server.server_state.tasks
        others = asyncio.all_tasks(self.loop) - self.own_tasks
        taken = platform().followers.taken
        return not (requests or others or self.limiter.borrowed_tokens or taken)


class Follower:
    """A client that follows alice's `dice`, unless it is said otherwise."""

    def __init__(
        self,
        serving: Serving,
        query: str = "",
        member: Member = ALICE,
        token: str | None = None,
        method: str = "GET",
        **headers: str,
    ) -> None:
        self.connection = HTTPConnection("127.0.0.1", serving.port, timeout=PATIENCE)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        headers["authorization"] = f"Bearer {token or own(member.user)}"
        path = f"/v1/functions/dice/logs?follow=true{query}"
        self.connection.request(method, path, headers=headers)
        self.answer = self.connection.getresponse()
        self.status = self.answer.status

    def line(self) -> str:
        """The next line that comes, without its moment."""
        return self.answer.readline().decode().rstrip("\n").partition(" ")[2]

    def event(self) -> list[str]:
        """The next event that comes, without its id and its moment."""
        while True:
            fields = [self.answer.readline().decode().rstrip("\n")]
            while fields[-1]:
                fields.append(self.answer.readline().decode().rstrip("\n"))
            if fields[0].startswith("id: "):
                return [field.removeprefix("data: ") for field in fields[1:-1]]

    def leave(self) -> None:
        """The client goes, in the midst of the answer."""
        self.answer.close()
        self.connection.close()
