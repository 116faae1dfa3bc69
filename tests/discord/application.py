"""An application for the played Discord: it checks signatures, answers what it is told to, and uses the API."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from local.discord import Discord

NOON = 1_795_176_000.0  # 2026-11-20, 12:00 UTC


@dataclass
class Clock:
    """A time of day that stands until somebody moves it."""

    time: float = NOON

    def __call__(self) -> float:
        return self.time

    def move(self, seconds: float) -> None:
        self.time += seconds


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    json: Any


@dataclass
class Application:
    """The endpoint, and what it heard. `answers` makes the answer, or is it."""

    clock: Clock
    discord: Discord | None = None
    answers: Any = field(default_factory=lambda: {"type": 4, "data": {"content": "Yes."}})
    status: int = 200
    heard: list[dict[str, Any]] = field(default_factory=list)
    takes: float = 0.0  # seconds of the stopwatch
    stopwatch: Clock = field(default_factory=Clock)

    def __call__(self, body: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        assert self.discord
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.discord.public_key))
        timestamp = headers["X-Signature-Timestamp"]
        signature = bytes.fromhex(headers["X-Signature-Ed25519"])
        try:
            key.verify(signature, timestamp.encode() + body)
        except InvalidSignature:
            return 401, b"invalid request signature"
        if abs(self.clock() - int(timestamp)) > 300:
            return 401, b"too old"
        told = json.loads(body)
        if told["type"] == 1:
            return 200, b'{"type": 1}'
        self.heard.append(told)
        self.stopwatch.move(self.takes)
        answer = self.answers(told) if isinstance(self.answers, Callable) else self.answers  # type: ignore[arg-type]
        return self.status, answer if isinstance(answer, bytes) else json.dumps(answer).encode()

    def asks(self, method: str, path: str, body: Any = None, **more: str) -> Answer:
        """A request to the API as the bot sends it; `more` are headers."""
        assert self.discord
        headers = {
            "User-Agent": "DiscordBot (https://example.com, 1)",
            "Authorization": f"Bot {self.discord.bot_token}",
            **({} if body is None else {"Content-Type": "application/json"}),
            **{name.replace("_", "-"): value for name, value in more.items()},
        }
        content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        split = urlsplit(self.discord.api)
        connection = HTTPConnection(split.netloc, timeout=5)
        try:
            connection.request(method, split.path + path, content, headers)
            return _read(connection.getresponse())
        finally:
            connection.close()

    def registers(self, *commands: dict[str, Any]) -> list[dict[str, Any]]:
        """Have these commands and no others."""
        answer = self.asks("PUT", self.commands, list(commands))
        assert answer.status == 200, answer.json
        found: list[dict[str, Any]] = answer.json
        return found

    @property
    def commands(self) -> str:
        """Where commands are registered."""
        assert self.discord
        return (
            f"/applications/{self.discord.application_id}/guilds/{self.discord.guild_id}/commands"
        )

    def webhook(self, token: str) -> str:
        """Where an interaction is answered later."""
        assert self.discord
        return f"/webhooks/{self.discord.application_id}/{token}"


def _read(response: HTTPResponse) -> Answer:
    content = response.read()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(response.status, headers, json.loads(content) if content else None)


def slash(name: str, **more: Any) -> dict[str, Any]:
    """A command, or an option if it has a type."""
    return {"name": name, "description": f"What {name} does"} | more


def row(*components: dict[str, Any]) -> dict[str, Any]:
    """One line of components."""
    return {"type": 1, "components": list(components)}


def button(custom_id: str, **more: Any) -> dict[str, Any]:
    """A button."""
    return {"type": 2, "style": 1, "label": custom_id, "custom_id": custom_id} | more


def wrong(answer: Answer) -> dict[str, str]:
    """The places of a form that are wrong, and their codes."""
    assert (answer.status, answer.json["code"]) == (400, 50035), answer.json
    assert answer.json["message"] == "Invalid Form Body"

    def walk(node: dict[str, Any], at: list[str]) -> Iterator[tuple[str, str]]:
        for name, inner in node.items():
            if name == "_errors":
                yield from ((".".join(at), each["code"]) for each in inner)
            else:
                yield from walk(inner, [*at, name])

    return dict(walk(answer.json["errors"], []))
