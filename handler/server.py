"""HTTP and gRPC as a long-running process: `python -m handler.server`. Its environment is the function's."""

from __future__ import annotations

import argparse
import asyncio
import gc
import socket
import sys
from functools import partial
from typing import TYPE_CHECKING, cast

import uvicorn
from anyio import to_thread
from pydantic import ValidationError
from uvicorn.protocols.http.h11_impl import H11Protocol

from actions.action import Answer
from handler import dispatch
from handler.app import load_all, platform
from handler.http.application import READ_SECONDS, Ports, build, end
from services.platform import Platform

if TYPE_CHECKING:
    from fastapi import FastAPI

    from handler.rpc.serving import RpcServer

HOST, PORT, GRPC_PORT = "127.0.0.1", 8080, 50060
_GRACE_SECONDS = 10  # for answers under way when it is asked to end
_SPARE_THREADS = 40  # besides those in which functions are waited for: who is refused is so at once
_UNREAD_SECONDS = 60  # that an answer waits to be read
# Seconds after which it is asked whether a silent peer is still there, then how often, and how often in vain.
_PEER = {"TCP_KEEPIDLE": 60, "TCP_KEEPINTVL": 15, "TCP_KEEPCNT": 4}
_CONNECTIONS = 256  # at a time; each may hold some 100 KB of a body that is read


def main() -> int:
    """Serve until SIGINT or SIGTERM. Returns the exit code: 1 with one line if something stands in the way."""
    parser = argparse.ArgumentParser(prog="python -m handler.server", description=__doc__)
    parser.add_argument("--host", default=HOST, help="address to listen on")
    parser.add_argument("--port", type=int, default=PORT, help="port to listen on for HTTP")
    parser.add_argument("--grpc-port", type=int, default=GRPC_PORT, help="and for gRPC")
    parser.add_argument(
        "--proxies",
        metavar="ADDRESSES",
        help="comma separated; what these say in X-Forwarded-For of who calls is believed",
    )
    parser.add_argument(
        "--read-seconds",
        type=float,
        default=READ_SECONDS,
        help="how long a request's head, and then its body, or a call's message, may take to arrive",
    )
    parser.add_argument(
        "--connections", type=int, default=_CONNECTIONS, help="beyond so many, requests get 503"
    )
    parser.add_argument(
        "--open-metrics",
        action="store_true",
        help="/metrics needs no token, and names tenants: where only scrapers reach it",
    )
    given = parser.parse_args()
    try:
        from handler.rpc.serving import RpcServer
    except ModuleNotFoundError as error:
        return _refused(f"{error.name} is missing: install requirements-image.lock")
    try:
        services = platform()
        listening = _listen(given.host, port := given.port)
        _listen(given.host, port := given.grpc_port).close()  # gRPC's own words for it are many
    except ValidationError as error:
        missing = ", ".join(str(found["loc"][0]).upper() for found in error.errors())
        return _refused(f"the environment lacks or misstates {missing} (docs/operating.md)")
    except OSError as error:
        return _refused(f"port {port} cannot be had on {given.host} ({error.strerror})")
    load_all()
    _look_for_garbage_sooner()
    config = uvicorn.Config(
        build(
            services,
            read_seconds=given.read_seconds,
            figures=partial(_figures, services) if given.open_metrics else None,
            ports=Ports(given.port, given.grpc_port),
        ),
        http=_impatient(given.read_seconds),
        limit_concurrency=given.connections,
        lifespan="off",
        log_level="warning",  # each request has a line of the platform's own
        access_log=False,
        server_header=False,
        proxy_headers=given.proxies is not None,
        forwarded_allow_ips=given.proxies,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    host = f"[{given.host}]" if ":" in given.host else given.host
    threads = services.slots.most + _SPARE_THREADS
    rpc = RpcServer(services, f"{host}:{given.grpc_port}", threads, given.read_seconds)
    Server(config, services, rpc, threads).run(sockets=[listening])
    return 0


def _figures(services: Platform) -> Answer:
    """What there is of functions, for whom the operator shows the metrics."""
    asked = {"userId": dispatch.SYSTEM}
    return dispatch.run("function-figures", asked, dispatch.DIRECT, services)


class Server(uvicorn.Server):
    """Both servers in one loop: gRPC begins and ends with HTTP."""

    def __init__(
        self, config: uvicorn.Config, platform: Platform, rpc: RpcServer, threads: int
    ) -> None:
        super().__init__(config)
        self._log = platform.invocations  # made here and not by two threads at once
        self._threads = threads
        self._rpc = rpc

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        to_thread.current_default_thread_limiter().total_tokens = self._threads
        await self._rpc.start()
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let what is under way end, and the log of invocations be written."""
        end(cast("FastAPI", self.config.app))
        await asyncio.gather(super().shutdown(sockets), self._rpc.stop(_GRACE_SECONDS))
        await to_thread.run_sync(self._log.settle, _GRACE_SECONDS)


def _look_for_garbage_sooner() -> None:
    """What is loaded stays, and the limit of handler/__init__.py is for loading it.

    Each call to AWS leaves some garbage behind (botocore's parsers know each other), in the end dozens of MB.
    """
    gc.freeze()
    gc.set_threshold(10_000)


class _ReadInTime(H11Protocol):
    """uvicorn's protocol, which closes a connection on which nobody reads what was answered: it stays in memory."""

    _unread: asyncio.TimerHandle | None = None

    def pause_writing(self) -> None:
        """The answer waits to be read."""
        super().pause_writing()
        self._unread = self.loop.call_later(_UNREAD_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        """It is being read."""
        super().resume_writing()
        self._read_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """Nobody is there any more."""
        self._read_on()
        super().connection_lost(exc)

    def _read_on(self) -> None:
        if self._unread is not None:
            self._unread.cancel()


def _impatient(seconds: float) -> type[H11Protocol]:
    """uvicorn's protocol, which closes a connection on which the head of a request does not arrive in time.

    uvicorn itself waits for ever once something has come: its limit is for who is idle after an answer.
    """

    class Impatient(_ReadInTime):
        _closing: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            self._closing = self.loop.call_later(seconds, transport.close)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.cycle is not None and not self.cycle.response_complete:
                self._wait_no_more()
            elif self._closing is None:
                self._closing = self.loop.call_later(seconds, self.transport.close)

        def connection_lost(self, exc: Exception | None) -> None:
            self._wait_no_more()
            super().connection_lost(exc)

        def _wait_no_more(self) -> None:
            if self._closing is not None:
                self._closing.cancel()
                self._closing = None

    return Impatient


def _listen(host: str, port: int) -> socket.socket:
    """The socket to serve on, at once or not at all."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol by name: only then does asyncio turn delays off (TCP_NODELAY), of 40 ms for each answer.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        _ask_peers(listening)
        listening.bind((host, port))
        listening.listen()
    except OSError:
        listening.close()
        raise
    return listening


def _ask_peers(listening: socket.socket) -> None:
    """Let a connection end whose peer has vanished: while a log that is followed is silent, nothing is sent."""
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in _PEER.items():
        if hasattr(socket, option):  # not everywhere, and then after hours
            listening.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def _refused(why: str) -> int:
    print(f"server: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # uvicorn has ended by itself, and says so with this
        sys.exit(0)
