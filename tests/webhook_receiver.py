"""What members have at the other end of a webhook: it takes what is posted, and answers as a test wants it."""

from __future__ import annotations

import hmac
import json
import socket
import ssl
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

TAKEN = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"
Answering = Callable[[socket.socket], None]


@dataclass(frozen=True)
class Posted:
    """A request, as it came."""

    line: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        """The body, read."""
        return json.loads(self.body)


@dataclass
class Receiver:
    """A running one: what came, and how it answers."""

    listening: socket.socket
    answers: Answering = lambda link: link.sendall(TAKEN)
    stopped: threading.Event = field(default_factory=threading.Event)
    reads: bool = True
    connections: int = 0
    names: list[str | None] = field(default_factory=list)  # of whom TLS was asked for
    posted: list[Posted] = field(default_factory=list)

    @property
    def port(self) -> int:
        """Where it listens on this machine."""
        return int(self.listening.getsockname()[1])

    @property
    def url(self) -> str:
        """Its address on this machine."""
        return f"http://127.0.0.1:{self.port}/hook?of=ada"

    def says(self, *parts: bytes) -> None:
        """From now on it answers so, and hangs up."""
        self.answers = lambda link: link.sendall(b"".join(parts))

    def answers_with(self, status: int) -> None:
        """From now on it answers with a status."""
        self.says(b"HTTP/1.1 %d Some Words\r\nContent-Length: 0\r\n\r\n" % status)

    def hangs_up(self) -> None:
        """From now on it ends a connection without reading what comes."""
        self.reads = False

    def closes(self) -> None:
        """Nobody is there any more."""
        self.stopped.set()
        with suppress(OSError):
            self.listening.shutdown(socket.SHUT_RDWR)

    def goes_on(self, part: bytes, pause: float) -> None:
        """From now on it answers without end."""

        def answer(link: socket.socket) -> None:
            while not self.stopped.wait(pause):
                link.sendall(part)

        self.answers = answer


@contextmanager
def receiver(tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """A receiver on the loopback interface, with TLS if it is given what for."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        made = Receiver(listening)
        if tls:
            tls.sni_callback = lambda _, name, __: made.names.append(name)
        threading.Thread(target=_serve, args=(tls, made), daemon=True).start()
        try:
            yield made
        finally:
            made.closes()


def signature_is_right(posted: Posted, secret: str) -> bool:
    """As Standard Webhooks has receivers find out, written a second time and in another way."""
    prefix, _, text = secret.partition("whsec_")
    assert prefix == ""
    head = f"{posted.headers['webhook-id']}.{posted.headers['webhook-timestamp']}."
    counted = hmac.new(b64decode(text, validate=True), head.encode() + posted.body, sha256)
    wanted = "v1," + b64encode(counted.digest()).decode()
    return wanted in posted.headers["webhook-signature"].split(" ")


def _serve(tls: ssl.SSLContext | None, made: Receiver) -> None:
    while not made.stopped.is_set():
        try:
            link, _ = made.listening.accept()
        except OSError:  # it is over
            return
        made.connections += 1
        threading.Thread(target=_answer, args=(link, tls, made), daemon=True).start()


def _answer(link: socket.socket, tls: ssl.SSLContext | None, made: Receiver) -> None:
    with suppress(OSError), link:  # whoever posts may hang up whenever it likes
        link.settimeout(30)
        if not made.reads:
            return
        if tls:
            link = tls.wrap_socket(link, server_side=True)
        with link:
            posted = _read(link)
            if posted:
                made.posted.append(posted)
                made.answers(link)


def _read(link: socket.socket) -> Posted | None:
    with link.makefile("rb") as coming:
        line = coming.readline().decode("ascii").rstrip("\r\n")
        headers = {}
        while field_ := coming.readline().decode("ascii").rstrip("\r\n"):
            name, _, value = field_.partition(": ")
            headers[name.lower()] = value
        return Posted(line, headers, coming.read(int(headers["content-length"]))) if line else None
