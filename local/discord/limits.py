"""How often Discord may be asked.

Source: Rate Limits, Header Format, Exceeding A Rate Limit, Global Rate Limit (50 a second, interaction
endpoints are free of it). How many requests a route allows is documented nowhere ("should not be hard coded");
`USUAL` are numbers that people report, in the same order of size.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable
from dataclasses import dataclass, field

from local.discord.answers import Json

Limits = dict[str, tuple[int, float]]  # of a kind of route: so many requests, in so many seconds

USUAL: Limits = {
    "global": (50, 1.0),
    "commands": (5, 5.0),
    "send": (5, 5.0),
    "edit": (5, 5.0),
    "delete": (5, 5.0),
    "follow up": (5, 2.0),
    "read": (10, 5.0),
    "direct": (10, 10.0),
    "events": (5, 5.0),
}


@dataclass
class Exceeded(Exception):
    """Too many requests; what is said of it."""

    wait: float
    headers: dict[str, str]
    everywhere: bool

    def body(self) -> Json:
        """As JSON."""
        return {
            "message": "You are being rate limited.",
            "retry_after": self.wait,
            "global": self.everywhere,
        }


@dataclass
class Buckets:
    """What is left of each limit. A kind that has no limit, since a test took it away, is free."""

    limits: Limits
    now: Callable[[], float]
    windows: dict[str, tuple[float, int]] = field(
        default_factory=dict
    )  # the end, and how many since

    def whole(self) -> None:
        """Count a request of the bot's."""
        if self._full("global", "global"):
            wait = self._left("global")
            headers = {"X-RateLimit-Global": "true", "X-RateLimit-Scope": "global"}
            raise Exceeded(wait, headers | {"Retry-After": str(math.ceil(wait))}, True)

    def route(self, kind: str, route: str, resource: str) -> dict[str, str]:
        """Count a request of a route, about one top-level resource; the headers that tell of it."""
        if kind not in self.limits:
            return {}
        key = f"{route} {resource}"
        full = self._full(kind, key)
        limit, wait = self.limits[kind][0], self._left(key)
        headers = {
            "X-RateLimit-Limit": str(limit),
            "X-RateLimit-Remaining": str(max(0, limit - self.windows[key][1])),
            "X-RateLimit-Reset": f"{self.windows[key][0]:.3f}",
            "X-RateLimit-Reset-After": f"{wait:.3f}",
            "X-RateLimit-Bucket": hashlib.sha256(route.encode()).hexdigest()[:32],
        }
        if full:
            more = {"Retry-After": str(math.ceil(wait)), "X-RateLimit-Scope": "user"}
            raise Exceeded(wait, headers | more, False)
        return headers

    def _left(self, key: str) -> float:
        return max(0.001, math.ceil((self.windows[key][0] - self.now()) * 1000) / 1000)

    def _full(self, kind: str, key: str) -> bool:
        """Whether a limit is used up; if not, one more is."""
        if kind not in self.limits:
            return False
        most, seconds = self.limits[kind]
        end, count = self.windows.get(key, (0.0, 0))
        if self.now() >= end:
            end, count = self.now() + seconds, 0
        self.windows[key] = (end, min(most, count + 1))
        return count >= most
