"""The light way to play members' servers, for tests that start many: threads of the emulator instead of processes.

A task gets its address and is RUNNING at once. There its Foundry answers what the platform asks of one; no start
script runs, and a container that serves nothing ends with 0. One that is to do something with files reports within
a second that it has. All else of a task's life is as in `local/servers.py`.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socketserver import TCPServer
from typing import Any

import boto3

from local import file_images, foundry_image, servers
from local.containers import Record, override_for, plain_environment, role_environment
from local.file_images import Image

VARIABLE = "PLAYED_LIGHTLY"  # set to anything, it chooses this way


def is_wanted() -> bool:
    """Whether this emulator plays servers so."""
    return bool(os.environ.get(VARIABLE))


class Light(servers.Life):
    """A task of which nobody sees more than its states, its address and its answers."""

    afterwards = 0.0

    @contextmanager
    def _place(self) -> Iterator[bool]:
        yield True  # it takes hardly any

    def _waits(self, what: str, usual: float, part: float = 1) -> None:
        pass

    def _pull(self, container: Record) -> Image:
        return Image({})

    def _mount(self) -> None:
        pass

    def _start(self, container: Record, image: Image) -> None:
        shown = self._task["containers"][len(self._containers)]
        shown["lastStatus"] = "RUNNING"
        serves = any(
            port["containerPort"] == servers.PORT for port in container.get("portMappings", [])
        )
        override = plain_environment(override_for(container, self._overrides))
        status = _status(container["image"], override.get("FOUNDRY_WORLD")) if serves else None
        if file_images.is_python(container["image"]) and "ORDER" in override:
            given = plain_environment(container) | role_environment(self._definition, self._id)
            _report(json.loads(override["ORDER"]), given)
        self._containers.append(Light.Container(container, shown, self._address, status))

    class Container(servers.Played):
        """A container without a process: it serves until it is asked to end, or has ended already."""

        def __init__(
            self,
            definition: Record,
            shown: Record,
            address: str,
            status: dict[str, Any] | None,
        ) -> None:
            super().__init__(definition, shown)
            self._server = _Server(address, status) if status else None

        @property
        def code(self) -> int | None:
            """Ends have no reasons here but the wish for them."""
            return None if self._server else 0

        def terminate(self) -> None:
            """Close."""
            if self._server:
                self._server.shutdown()
                self._server.server_close()
                self._server = None

        kill = finish = terminate


def _status(image: str, world: str | None) -> dict[str, Any]:
    version = foundry_image.build_of(image.rpartition(":")[2])
    return {"active": bool(world), "version": version} | ({"users": 0} if world else {})


def _report(order: dict[str, Any], given: Mapping[str, str]) -> None:
    """What a file task would say that it has done, where and with the rights with which it would."""
    time.sleep(1 - time.time() % 1)  # no real one is so quick that two saves are of one second
    snapshot = hashlib.sha256(order["run"].encode()).hexdigest()
    saved = {"snapshot": snapshot, "at": int(time.time()), "bytes": 1, "addedBytes": 1, "files": 1}
    saved |= {"forgot": order.get("forget", [])}
    restored = {"restored": {"files": 1, "bytes": 1}}
    exported = {"exported": {"files": 1, "bytes": 1}}
    world = {"type": "world", "id": "dragons", "system": "dnd5e"}
    found = {"files": 1, "bytes": 1, "packages": [world]}
    done: dict[str, dict[str, Any]] = {
        "save": saved,
        "restore": restored,
        "export": exported,
        "inspect": {"inspected": found},
        "import": {"imported": found},
    }
    report = {
        "do": order["do"],
        "run": order["run"],
        **done[order["do"]],
    }
    s3 = boto3.client(
        "s3",
        endpoint_url=given["S3_ENDPOINT"],
        region_name=given["AWS_REGION"],
        aws_access_key_id=given["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=given["AWS_SECRET_ACCESS_KEY"],
        aws_session_token=given["AWS_SESSION_TOKEN"],
    )
    key = f"results/{given['REPOSITORY']}/{order['run']}.json"
    s3.put_object(Bucket=given["BUCKET"], Key=key, Body=json.dumps(report).encode())


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    server_bind = TCPServer.server_bind  # HTTPServer's also asks for the machine's name

    def __init__(self, address: str, status: dict[str, Any]) -> None:
        super().__init__((address, servers.PORT), _Handler)
        self.status = status
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_GET(self) -> None:
        """How it is; any other page leads to where its world is."""
        if self.path == "/api/status":
            self._send(200, json.dumps(self.server.status))
        else:
            self._send(302, "", ("Location", "/join" if self.server.status["active"] else "/setup"))

    def do_POST(self) -> None:
        """Whoever signs in is its administrator, and its world can be shut."""
        said = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/auth":
            self._send(302, "", ("Location", "/setup"), ("Set-Cookie", "session=admin; Path=/"))
            return
        if self.path == "/setup" and b"shutdown" in said:
            self.server.status = {"active": False, "version": self.server.status["version"]}
        self._send(200, "{}")

    def _send(self, status: int, text: str, *headers: tuple[str, str]) -> None:
        self.send_response(status)
        for name, value in (("Content-Length", str(len(text))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Nobody reads it."""
