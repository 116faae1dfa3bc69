"""A Bedrock that answers Converse at an address of this machine; a test says how."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ANSWER = "A creature that is grappled has a speed of 0."


@dataclass
class Bedrock:
    """What it was asked, and what it does with the next request."""

    url: str
    asked: list[dict[str, Any]] = field(default_factory=list)
    fails_with: tuple[int, str] | None = None  # status and AWS's name of the error
    waits_seconds: float = 0

    def fresh(self) -> None:
        """Answer well again, and forget."""
        self.asked, self.fails_with, self.waits_seconds = [], None, 0


@contextmanager
def bedrock() -> Iterator[Bedrock]:
    """Bedrock on the loopback interface."""
    served: Bedrock

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            served.asked.append(body | {"path": self.path})
            time.sleep(served.waits_seconds)
            status, error = served.fails_with or (200, "")
            self.send_response(status)
            self.send_header("content-type", "application/json")
            if error:
                self.send_header("x-amzn-errortype", error)
            self.end_headers()
            self.wfile.write(json.dumps({"message": "no"} if error else _said(body)).encode())

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    served = Bedrock(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield served
    finally:
        server.shutdown()
        server.server_close()


def _said(asked: dict[str, Any]) -> dict[str, Any]:
    words = sum(len(part["text"].split()) for m in asked["messages"] for part in m["content"])
    return {
        "output": {"message": {"role": "assistant", "content": [{"text": ANSWER}]}},
        "stopReason": "end_turn",
        "usage": {"inputTokens": words, "outputTokens": 9, "totalTokens": words + 9},
        "metrics": {"latencyMs": 1},
    }
