"""How the played Discord starts and ends."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from local.discord.deliveries import Endpoint
from local.discord.events import Events
from local.discord.guild import Guild, Snowflakes
from local.discord.limits import USUAL, Buckets
from local.discord.playing import Discord
from local.discord.registry import Registry
from local.discord.server import serving


@contextmanager
def played(
    endpoint: Endpoint,
    now: Callable[[], float] | None = None,
    stopwatch: Callable[[], float] | None = None,
    port: int = 0,
) -> Iterator[Discord]:
    """Discord, with its API on 127.0.0.1.

    `now` is the time of day, in seconds: ids, tokens, events and rate limits go by it. `stopwatch` measures how
    long the endpoint takes to answer.
    """
    discord = _new(endpoint, now or _now, stopwatch or _measured)
    with serving(discord, port):
        yield discord


def _now() -> float:
    return time.time()  # looked up each time: a test may have put its own in


def _measured() -> float:
    return time.monotonic()


def _new(endpoint: Endpoint, now: Callable[[], float], stopwatch: Callable[[], float]) -> Discord:
    ids = Snowflakes(now)
    application, guild = ids.next(), Guild(now, ids, ids.next())
    limits = dict(USUAL)
    token = f"{base64.b64encode(application.encode()).decode().rstrip('=')}.played."
    return Discord(
        endpoint,
        now,
        stopwatch,
        guild,
        application,
        token + secrets.token_urlsafe(28),
        Registry(application, guild.id, ids, now),
        Events(guild, application),
        Buckets(limits, now),
        limits=limits,
    )
