"""Discord's webhook at an address of this machine, as strict as the real one (Discord API, Execute Webhook)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LONGEST = 2000  # characters of a message


@dataclass
class Discord:
    """What was posted, and what becomes of the next requests."""

    url: str
    posted: list[dict[str, Any]] = field(default_factory=list)
    fails_with: list[int] = field(default_factory=list)  # statuses of the next answers

    @property
    def texts(self) -> list[str]:
        """What people read."""
        return [message["content"] for message in self.posted]


@contextmanager
def discord() -> Iterator[Discord]:
    """Discord on the loopback interface."""
    served: Discord

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            message = json.loads(self.rfile.read(int(self.headers["content-length"])))
            status = served.fails_with.pop(0) if served.fails_with else _judge(message)
            if status == 204:
                served.posted.append(message)
            self.send_response(status)
            if status == 429:
                self.send_header("retry-after", "1")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Discord(f"http://127.0.0.1:{server.server_port}/api/webhooks/1/token")
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()


def _judge(message: dict[str, Any]) -> int:
    """Discord's status for a message: one that is empty or too long is refused, and so are odd mentions."""
    mentions = message.get("allowed_mentions", {})
    both = "users" in mentions.get("parse", ()) and mentions.get("users")
    good = 0 < len(message.get("content", "")) <= LONGEST and not both
    return 204 if good else 400
