"""The images that the embedded run plays: `python local/images.py NAME` is a process instead of a container.

It has the container's environment and nothing else, says what it does on stdout and stderr, and ends with whoever
started it, who holds the other end of its stdin. A container's command is not carried out.
"""

from __future__ import annotations

import os
import sys
import threading
import time


def _echo() -> int:
    """Answer each HTTP request with what was asked, and log it."""
    import json  # here, and below: a process pays only for what its image needs
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from socketserver import TCPServer

    class Echo(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            said = {
                "method": self.command,
                "path": self.path,
                "headers": dict(self.headers),
                "body": body.decode(errors="replace"),
            }
            content = json.dumps(said, indent=2).encode() + b"\n"
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)

        do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer  # noqa: N815

    class Server(ThreadingHTTPServer):
        allow_reuse_port = True  # the replicas of a function share its port, whoever came first
        server_bind = TCPServer.server_bind  # HTTPServer's also asks for the machine's name

    try:
        server = Server(("127.0.0.1", int(os.environ.get("PORT") or 0)), Echo)
    except (OSError, OverflowError, ValueError):  # somebody else has it, or it is no port
        server = Server(("127.0.0.1", 0), Echo)
    print(f"Listening on http://127.0.0.1:{server.server_address[1]}")
    server.serve_forever(poll_interval=3600)  # it only says how soon shutdown() would be noticed
    return 0


def _print_input() -> int:
    """Print the input of an invocation, and end."""
    given, url = os.environ.get("INPUT_JSON", "null"), os.environ.get("INPUT_URL", "")
    if url.startswith(("http://", "https://")):
        from urllib.request import urlopen

        with urlopen(url, timeout=30) as answer:  # noqa: S310 - http, see above
            given = answer.read().decode(errors="replace")
    print(given)
    return 0


def _crash() -> int:
    """End at once, with an error."""
    print("Error: this image always crashes", file=sys.stderr)
    return 1


def _clock() -> int:
    """Log a line each second."""
    while True:
        print(time.strftime("%H:%M:%S tick", time.gmtime()))
        time.sleep(1)


# By their names without tag. The examples of the functions' API use nginx and node.
IMAGES = {
    "clock": _clock,
    "crash": _crash,
    "echo": _echo,
    "nginx": _echo,
    "node": _echo,
    "print-input": _print_input,
}


def _end_with_starter() -> None:
    os.read(sys.stdin.fileno(), 1)  # nobody writes to it: it returns when the other end is closed
    os._exit(1)


if __name__ == "__main__":
    threading.Thread(target=_end_with_starter, daemon=True).start()
    sys.exit(IMAGES[sys.argv[1]]())
