"""The HTTP application as a long-running process: `python -m handler.server`. Its environment is the function's."""

from __future__ import annotations

import argparse
import socket
import sys

import uvicorn
from pydantic import ValidationError

from handler.app import load_all, platform
from handler.http.application import build

HOST, PORT = "127.0.0.1", 8080
_GRACE_SECONDS = 10  # for answers under way when it is asked to end


def main() -> int:
    """Serve until SIGINT or SIGTERM. Returns the exit code: 1 with one line if something stands in the way."""
    parser = argparse.ArgumentParser(prog="python -m handler.server", description=__doc__)
    parser.add_argument("--host", default=HOST, help="address to listen on")
    parser.add_argument("--port", type=int, default=PORT, help="port to listen on")
    given = parser.parse_args()
    try:
        services = platform()
        listening = _listen(given.host, given.port)
    except ValidationError as error:
        missing = ", ".join(str(found["loc"][0]).upper() for found in error.errors())
        return _refused(f"the environment lacks or misstates {missing} (docs/operating.md)")
    except OSError as error:
        return _refused(f"port {given.port} cannot be had on {given.host} ({error.strerror})")
    load_all()
    config = uvicorn.Config(
        build(services),
        lifespan="off",
        log_level="warning",  # each request has a line of the platform's own
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_SECONDS,
    )
    uvicorn.Server(config).run(sockets=[listening])
    return 0


def _listen(host: str, port: int) -> socket.socket:
    """The socket to serve on, at once or not at all."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol by name: only then does asyncio turn delays off (TCP_NODELAY), of 40 ms for each answer.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen()
    except OSError:
        listening.close()
        raise
    return listening


def _refused(why: str) -> int:
    print(f"server: {why}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:  # uvicorn has ended by itself, and says so with this
        sys.exit(0)
