"""Foundry servers behind a load balancer, as far as the platform talks to them: HTTPS with a certificate of
our own, told apart by host name."""

from __future__ import annotations

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from services.elb import WARMING
from tests.load_balancer import is_led_to_a_task
from tests.world import DOMAIN, sample

NOBODY_PLAYS = {"active": True, "version": "13.351", "world": "world-a", "users": 0}
UP = {"active": True}  # which proves neither a build nor that anybody plays, or nobody
NO_WORLD = {"active": False, "version": "13.351"}
DRIPS, POURS = "drips", "pours"
SLOW = {
    DRIPS: (b" ", 0.3),
    POURS: (b" " * 65_536, 0.0),
}  # what comes without end, and how long between


def playing(users: int) -> dict[str, Any]:
    """What a server with an active world says while so many users are in it."""
    return NOBODY_PLAYS | {"users": users}


@dataclass
class Balancer:
    """Where the servers are reached, what each answers, and what each was asked."""

    address: str  # by HTTPS
    url: str  # and without
    says: dict[str, Any] = field(default_factory=dict)  # host: what /api/status answers, else UP
    unsigned: set[str] = field(default_factory=set)  # hosts whose Foundry shows its licence page
    asked: list[tuple[str, str]] = field(default_factory=list)  # (host, "POST /setup")
    admin_key: str = ""
    leads_to: str = "/setup"  # whither a good admin key leads
    sent: int = 0  # bytes of what has no end

    def begin(self) -> None:
        """Be as a fresh AWS has it."""
        self.says.clear()
        self.unsigned.clear()
        self.asked.clear()
        self.admin_key = sample("create-instance")["foundryAdminKey"]
        self.leads_to = "/setup"


@contextmanager
def balancer(directory: Path) -> Iterator[Balancer]:
    """A running balancer; its certificate authority is written to `directory`/ca.pem."""
    certificate = certificate_of(directory)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with _serving() as plain, _serving(context) as safe:
        state = Balancer(
            f"127.0.0.1:{safe.server_address[1]}", f"http://127.0.0.1:{plain.server_address[1]}"
        )
        for server in (plain, safe):
            server.balancer = state  # type: ignore[attr-defined]
        yield state


@contextmanager
def _serving(context: ssl.SSLContext | None = None) -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Foundry)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.stopped = threading.Event()  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield server
    finally:
        server.stopped.set()  # type: ignore[attr-defined]
        server.shutdown()
        server.server_close()


def without_connection(says: dict[str, Any]) -> Any:
    """What takes the place of urllib3's `urlopen` where no connection can be: the servers' own answers."""
    connected = urllib3.HTTPConnectionPool.urlopen

    def urlopen(
        pool: Any,
        method: str,
        url: str,
        body: Any = None,
        headers: Any = None,
        *_: Any,
        **more: Any,
    ) -> Any:
        sent = headers or pool.headers
        if WARMING not in sent:
            return connected(pool, method, url, body, headers, *_, **more)
        said = says.get(sent["Host"], UP)
        if said is None or not is_led_to_a_task(sent["Host"], url, sent):
            raise urllib3.exceptions.NewConnectionError(pool, "nobody answers")
        shown = BytesIO(json.dumps(said).encode())
        if (method, url) in (("POST", "/auth"), ("GET", "/")):
            return urllib3.HTTPResponse(shown, {"Location": "/setup"}, 302)
        return urllib3.HTTPResponse(shown, status=200, preload_content=False)

    return urlopen


class _Foundry(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        state, host = self._noted(), self.headers["Host"]
        if not is_led_to_a_task(host, self.path, dict(self.headers)):
            self._answer(404, "<p>This table is asleep.</p>")
            return
        if self.path == "/":
            leads_to = "/license" if host in state.unsigned else "/setup"
            self._answer(302, "", {"Location": leads_to})
            return
        said = state.says.get(host, UP)
        text = said if isinstance(said, str) else json.dumps(said)
        if text in SLOW:
            self._goes_on(text)
        else:
            self._answer(200 if said is not None else 503, text)

    def do_POST(self) -> None:
        state = self._noted()
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        if not is_led_to_a_task(self.headers["Host"], self.path, dict(self.headers)):
            self._answer(404, "<p>This table is asleep.</p>")
            return
        if self.path == "/auth":
            good = parse_qs(body).get("adminPassword") == [state.admin_key]
            self._answer(
                302 if good else 401,
                "",
                {"Location": state.leads_to, "Set-Cookie": "session=1; Path=/"},
            )
        else:
            known = self.headers["Cookie"] == "session=1" and json.loads(body) == {"shutdown": True}
            self._answer(200 if known else 403, "{}")

    def _goes_on(self, text: str) -> None:
        """Answer without end, until whoever asked has had enough."""
        self.send_response(200)
        self.end_headers()
        part, pause = SLOW[text]
        with suppress(OSError):  # whoever asked went away
            while not self.server.stopped.wait(pause):  # type: ignore[attr-defined]
                self.wfile.write(part)
                self.server.balancer.sent += len(part)  # type: ignore[attr-defined]

    def _noted(self) -> Balancer:
        state: Balancer = self.server.balancer  # type: ignore[attr-defined]
        state.asked.append((self.headers["Host"], f"{self.command} {self.path}"))
        return state

    def _answer(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(text.encode())))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_: object) -> None:
        """Say nothing: the tests read `asked`."""


def certificate_of(directory: Path) -> Path:
    """A self-signed certificate for every host of the domain, valid whenever a test lets time stand still."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, DOMAIN)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=365))
        .not_valid_after(now + timedelta(days=365))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(f"*.{DOMAIN}")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    (directory / "ca.pem").write_bytes(pem)
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = directory / "server.pem"
    path.write_bytes(private + pem)
    return path
