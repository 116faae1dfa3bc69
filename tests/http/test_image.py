"""The container image: what the Dockerfile copies is all there is to copy, and its command answers Lambda."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests import world
from tests.world import sample

DOCKERFILE = Path("Dockerfile").read_text()


def test_the_image_has_what_the_zip_has():
    makefile = Path("Makefile").read_text()
    zipped = re.search(r"tar -c (?:--exclude=\S+ )+(.+?) \|", makefile)
    assert zipped
    copied = re.findall(r"^COPY (\w+) \w+$", DOCKERFILE, re.M)
    assert copied == zipped[1].split()
    let_in = [line[1:] for line in Path(".dockerignore").read_text().splitlines() if line[0] == "!"]
    assert let_in == ["requirements-image.lock", *copied]


def test_the_images_command_answers_what_lambda_hands_it():
    """Lambda's side is played here: its runtime API hands out one event and takes the answer."""
    command = json.loads(re.findall(r"^CMD (\[.+\])$", DOCKERFILE, re.M)[0])
    event = sample("http/api-gateway-v2")
    answered, taken = threading.Event(), dict[str, Any]()

    class Lambda(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if answered.is_set():  # no more events: Lambda would freeze the process here
                self.connection.close()
                return
            body = json.dumps(event).encode()
            self.send_response(200)
            self.send_header("Lambda-Runtime-Aws-Request-Id", "request-1")
            self.send_header("Lambda-Runtime-Deadline-Ms", "9999999999999")
            self.send_header("Lambda-Runtime-Invoked-Function-Arn", "arn")
            self.send_header("Lambda-Runtime-Trace-Id", "Root=1-5759e988-bd862e3fe1be46a994272793")
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_POST(self) -> None:
            taken[self.path] = json.loads(self.rfile.read(int(self.headers["content-length"])))
            self.send_response(202)
            self.send_header("content-length", "0")
            self.end_headers()
            answered.set()

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Lambda)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    environment = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **world.least_environment(),
        "AWS_REGION": "us-east-1",
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{server.server_port}",
    }
    process = subprocess.Popen(
        [sys.executable, *command[1:]],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    try:
        assert answered.wait(30), process.poll()
    finally:
        process.kill()
        process.communicate()
        server.shutdown()
        server.server_close()
    answer = taken["/2018-06-01/runtime/invocation/request-1/response"]
    assert answer["statusCode"] == 401
    assert answer["headers"]["x-request-id"] == "request-1"
