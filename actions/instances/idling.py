"""When a running server stops by itself. Pure functions: what was seen, and the settings, in; a decision out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.instances import Booking, Instance, Phase, Running
from services.runs import EndCause
from services.settings import Settings

TICK_SECONDS = 300  # from one auto-shutdown-check to the next (template.yaml)
# What runs is looked at by every tick. One may come some seconds early, and the one before have taken a while until
# it came to this.
LOOK_AGAIN_SECONDS = 200
_PROVEN_SECONDS = 2 * TICK_SECONDS + 30  # two looks, and what a tick may be late
NOTICE_SECONDS = 600  # members are told this long before any stop
# So many requests within so long are somebody's work at the setup screen. The platform asks seven times at most: at
# every tick, and once a minute while people wait at the table's page. A tab that was left open asks a few times: it
# holds a WebSocket, which is one request for as long as it lasts.
USED_REQUESTS, USED_SECONDS = 10, 300

_WHY = {
    EndCause.IDLE: "nobody uses it",
    EndCause.TIME_UP: "its time is up",
    EndCause.SESSION_OVER: "its session is over",
    EndCause.SESSION_IDLE: "its session is over and nobody uses it",
    EndCause.MAINTENANCE: "the platform is being maintained",
}


@dataclass(frozen=True)
class Stop:
    """When to stop, and what for."""

    at: int
    cause: EndCause

    @property
    def is_for_idleness(self) -> bool:
        """Whether it would not stop then if somebody used it."""
        return self.cause in (EndCause.IDLE, EndCause.SESSION_IDLE)

    @property
    def why(self) -> str:
        """The cause in words for the member."""
        return _WHY[self.cause]


def players(probe: Mapping[str, Any] | None) -> int | None:
    """How many play, as Foundry says; None if it said nothing that proves anything.

    `probe` is what /api/status answered: no world, or a world with so many users. A world whose `users` is
    missing proves nothing (docs/sources.md, Foundry).
    """
    if probe is None:
        return None
    if probe.get("active") is False:
        return 0
    if probe.get("active") is not True or "version" not in probe:
        return None
    users = probe.get("users")
    if isinstance(users, bool) or not isinstance(users, int) or users < 0:
        return None
    return users


def is_idle(probe: Mapping[str, Any] | None) -> bool | None:
    """Whether Foundry says that nobody plays; None if it said nothing that proves anything."""
    playing = players(probe)
    return None if playing is None else playing == 0


def counts_requests(probe: Mapping[str, Any] | None, phase: Phase | None) -> bool:
    """Whether requests say more of a server than Foundry does: without a world it does not know who is at work.

    Nobody works at the licence page, and in a world Foundry knows its players.
    """
    is_without_world = probe is not None and probe.get("active") is False
    return is_without_world and phase != Phase.SIGNATURE


def last_use(counts: Mapping[int, int]) -> int | None:
    """Until when requests show somebody at work, if they do; `counts` is how many there were in which minute."""
    used = [
        minute
        for minute in counts
        if sum(n for at, n in counts.items() if minute - USED_SECONDS < at <= minute)
        >= USED_REQUESTS
    ]
    return max(used) + 60 if used else None


def idle_since(instance: Instance, idle: bool | None, now: int) -> int | None:
    """Since when the server has been idle, as far as that is proven; not before it came up.

    A look that proves nothing changes nothing, unless the last proof is older than two looks.
    """
    known = instance.get("idleSince")
    if idle is None:
        is_fresh = now - instance.get("idleProvenAt", 0) <= _PROVEN_SECONDS
        return known if is_fresh else None
    return (known or now) if idle else None


def planned_stop(
    instance: Running,
    session: Booking | None,
    since: int | None,
    settings: Settings,
    maintenance_at: int | None = None,
) -> Stop:
    """The earliest reason to stop a running server. `session` is the booking it runs for, if any.

    `maintenance_at` is when all servers are stopped for maintenance, which no keep-alive postpones.
    """
    up = instance["upSince"]
    allowed = min(instance.get("idleSeconds", settings.idle_seconds), settings.idle_seconds)
    kept = instance.get("keepUntil", 0)  # keep-alive sees to it that this is no longer than may be
    if session is None:
        reasons = [Stop(max(up + settings.on_demand_seconds, kept), EndCause.TIME_UP)]
    else:
        over = session["ends"] - settings.grace_seconds
        reasons = [Stop(max(over + settings.overrun_seconds, kept), EndCause.SESSION_OVER)]
    if since is not None:
        counted = max(since, up, _begins(session, settings))
        reasons.append(Stop(max(counted + allowed, kept), EndCause.IDLE))
        if session is not None:
            ended = max(session["ends"], since, kept)
            reasons.append(Stop(ended, EndCause.SESSION_IDLE))
    if maintenance_at is not None:
        reasons.append(Stop(maintenance_at, EndCause.MAINTENANCE))
    return min(reasons, key=lambda stop: stop.at)


def is_near(stop: Stop, now: int) -> bool:
    """Whether it is time to tell the member of the stop."""
    return now >= stop.at - NOTICE_SECONDS


def is_time(stop: Stop, told: int | None, now: int) -> bool:
    """Whether to stop: the time has come, and the member, `told` at a moment, has known for long enough."""
    return told is not None and now >= max(stop.at, told + NOTICE_SECONDS)


def next_look(stop: Stop, told: int | None, now: int) -> int:
    """When to look again: in five minutes, or earlier if it will be time to tell the member or to stop."""
    wanted = stop.at - NOTICE_SECONDS if told is None else max(stop.at, told + NOTICE_SECONDS)
    return min(now + LOOK_AGAIN_SECONDS, max(wanted, now + 1))


def _begins(session: Booking | None, settings: Settings) -> int:
    return session["begins"] + settings.preparation_seconds if session else 0
