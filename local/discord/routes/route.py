"""What a route is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from local.discord.answers import Refused, plain, refusal
from local.discord.playing import Discord

Answered = tuple[int, Any]  # status and JSON; None: no body


@dataclass(frozen=True)
class Call:
    """A request to a route."""

    discord: Discord
    ids: dict[str, str]  # what the address names
    query: dict[str, str]
    body: Any

    def asks(self, name: str) -> bool:
        """A boolean of the query (API Reference, Boolean Query Strings)."""
        return self.query.get(name) in ("True", "true", "1")


@dataclass(frozen=True)
class Route:
    """What is done at an address, and which limit it counts against."""

    method: str
    path: str  # `{name}` stands for an id
    limit: str
    answer: Callable[[Call], Answered]

    def ids(self, path: str) -> dict[str, str] | None:
        """What a path names, if it is of this route."""
        pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.path)
        found = re.fullmatch(pattern, path)
        return found.groupdict() if found else None


def of_application(call: Call) -> None:
    """Refuse what is not about the application itself."""
    if call.ids["application"] != call.discord.application_id:
        raise refusal(10002)


def not_found() -> Refused:
    """There is no such address."""
    return plain(404, "Not Found")
