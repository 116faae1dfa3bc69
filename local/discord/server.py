"""Discord's API at an address of this machine, and the page for people beside it.

Sources: API Reference, Authentication, User Agent, Content Type, Base URL; Opcodes and Status Codes, HTTP and JSON;
Rate Limits ("Interaction endpoints are not bound to the bot's Global Rate Limit").
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from local.discord import page
from local.discord.answers import Errors, Refused, plain, refusal
from local.discord.limits import Exceeded
from local.discord.playing import Discord
from local.discord.routes import ROUTES
from local.discord.routes.route import Call, Route, not_found

_BASE = "/api/v10"


@dataclass
class Answer:
    """A status, headers and JSON; None: no body."""

    status: int
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Request:
    """What somebody sent."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]  # names in lower case
    content: bytes


@contextmanager
def serving(discord: Discord, port: int) -> Iterator[Discord]:
    """The API on 127.0.0.1:`port` (0: any spare one)."""

    class Handler(_Handler):
        pass

    Handler.discord = discord
    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    discord.api = f"http://127.0.0.1:{server.server_port}{_BASE}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield discord
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer is sent as a whole
    discord: Discord

    def _answer(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        split = urlsplit(self.path)
        request = Request(
            self.command,
            unquote(split.path),
            dict(parse_qsl(split.query)),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(length),
        )
        if page.is_of_page(request.path):
            self._show(request)
            return
        with self.discord.lock:
            answer = _logged(self.discord, request)
            content = b"" if answer.body is None else json.dumps(answer.body).encode()
            changes = request.method != "GET" and answer.status < 400
            lost = changes and self.discord.loses > 0
            self.discord.loses -= lost
        self.close_connection = True
        if lost:
            return
        self.send_response(answer.status)
        headers = {"Content-Type": "application/json"} if content else {}
        length_said = {} if answer.status == 204 else {"Content-Length": str(len(content))}
        for name, value in {
            **headers,
            **length_said,
            "Connection": "close",
            **answer.headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def _show(self, request: Request) -> None:
        """The page for people, which waits for the application as they do: so it holds no lock."""
        said = page.serve(
            self.discord,
            request.method,
            request.path,
            request.query,
            request.headers,
            request.content,
            urlsplit(self.discord.api).port or 0,
        )
        self.close_connection = True
        self.send_response(said.status)
        more = {"Content-Length": str(len(said.body)), "Connection": "close"}
        for name, value in {**said.headers, **more}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(said.body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815 - as http.server calls them

    def log_message(self, *_: Any) -> None:
        """Nothing is written to the terminal."""


def _logged(discord: Discord, request: Request) -> Answer:
    body: Any = None
    if request.content:
        try:
            body = json.loads(request.content)
        except ValueError:
            body = request.content.decode(errors="replace")
    answer = _answered(discord, request)
    path = request.path.removeprefix(_BASE)
    discord.requests.append((request.method, path, body, answer.status))
    return answer


def _answered(discord: Discord, request: Request) -> Answer:
    if discord.down:
        return _failing(503)
    if discord.fails_with and (status := discord.fails_with.pop(0)) != HTTPStatus.OK:
        return _failing(status)
    headers: dict[str, str] = {}
    try:
        _known(discord, request)
        route, ids = _route(request)
        if not request.path.startswith(f"{_BASE}/webhooks/"):
            discord.buckets.whole()
        headers = discord.buckets.route(route.limit, f"{route.method} {route.path}", _resource(ids))
        status, body = route.answer(Call(discord, ids, request.query, _body(request)))
    except Exceeded as exceeded:
        return Answer(429, exceeded.body(), exceeded.headers)
    except Refused as refused:
        return Answer(refused.status, refused.body, headers | _later(refused))
    return Answer(status, body, headers)


def _failing(status: int) -> Answer:
    words = HTTPStatus(status).phrase
    if status == 429:
        wait = {"message": "You are being rate limited.", "retry_after": 1.0, "global": False}
        return Answer(429, wait, {"Retry-After": "1", "X-RateLimit-Scope": "shared"})
    return Answer(status, {"message": f"{status}: {words}", "code": 0})


def _later(refused: Refused) -> dict[str, str]:
    wait = refused.body.get("retry_after")
    return {} if wait is None else {"Retry-After": str(int(wait) + 1)}


def _known(discord: Discord, request: Request) -> None:
    """Refuse who does not say what they are, or is not the bot."""
    if not request.headers.get("user-agent", "").startswith("DiscordBot ("):
        raise refusal(40333)
    if request.path.startswith(f"{_BASE}/webhooks/"):
        return  # the token in the address is enough
    if request.headers.get("authorization") != f"Bot {discord.bot_token}":
        raise plain(401, "Unauthorized")


def _route(request: Request) -> tuple[Route, dict[str, str]]:
    if not request.path.startswith(_BASE):
        raise not_found()
    path = request.path.removeprefix(_BASE)
    found = [(route, ids) for route in ROUTES if (ids := route.ids(path)) is not None]
    for route, ids in found:
        if route.method == request.method:
            return route, ids
    raise plain(405, "Method Not Allowed") if found else not_found()


def _resource(ids: dict[str, str]) -> str:
    """Top-level resources are "channels, guilds, and webhooks (webhook_id + webhook_token)"."""
    return " ".join(
        ids[name] for name in ("channel", "guild", "application", "token") if name in ids
    )


def _body(request: Request) -> Any:
    if request.method in ("GET", "DELETE"):
        return None
    kind = request.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "application/json":
        errors = Errors()
        words = "Expected \"Content-Type\" header to be one of {'application/json'}."
        errors.add((), "CONTENT_TYPE_INVALID", words)
        errors.refuse()
    try:
        return json.loads(request.content)
    except ValueError:
        raise refusal(50109) from None
