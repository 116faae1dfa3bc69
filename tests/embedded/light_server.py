"""What answers in place of all members' servers where tasks are not really run, however many there are."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from services.elb import PORT

_TRIES = 20


class _Foundry(BaseHTTPRequestHandler):
    """A world in which nobody plays, and which shuts for whoever says to be its administrator."""

    def do_GET(self) -> None:
        self._answer(200, json.dumps({"active": True, "version": "13.351", "users": 0}))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(302 if self.path == "/auth" else 200, "{}")

    def _answer(self, status: int, text: str) -> None:
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/setup")
            self.send_header("Set-Cookie", "session=1; Path=/")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def light_server() -> Iterator[str]:
    """Serve until the end, on the port of members' servers; its address, which nobody else has."""
    for _ in range(_TRIES):
        address = ".".join(["127", *(str(secrets.randbelow(253) + 1) for _ in range(3))])
        try:
            server = ThreadingHTTPServer((address, PORT), _Foundry)
            break
        except OSError:  # somebody else has it
            continue
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield address
    finally:
        server.shutdown()
        server.server_close()
