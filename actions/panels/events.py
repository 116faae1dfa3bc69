"""Sessions to come, of tables that have a panel, as scheduled events of the guild (Guild Scheduled Event)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import structlog

from services import clock
from services.discord import Refused
from services.instances import Event, Instance, InstanceStatus
from services.platform import Platform

_log = structlog.get_logger()
_EXTERNAL, _GUILD_ONLY = 3, 2
_SCHEDULED, _ACTIVE, _COMPLETED = 1, 2, 3
_LOCATION = re.compile(r"https://([a-z0-9.-]+)/#([0-9a-f]{8})", re.ASCII)
_FORBIDDEN = (50001, 50013)  # Opcodes and Status Codes, JSON

Wanted = dict[str, tuple[int, int]]


def wanted_of(platform: Platform, instance: Instance) -> Wanted:
    """When the sessions begin and end that there should be events of: those that are not over.

    One that has begun keeps its event and gets none; here it is so that its end, if it comes early, is a change.
    """
    settings, now = platform.settings, clock.now()
    if instance["status"] == InstanceStatus.DESTROYING or instance.get("eventsRefused"):
        return {}
    times = {
        booking["sessionId"]: (
            booking["begins"] + settings.preparation_seconds,
            booking["ends"] - settings.grace_seconds,
        )
        for booking in instance.get("bookings", [])
    }
    return {session: time for session, time in times.items() if time[1] > now}


def bring_events_up_to_date(
    platform: Platform, instance: Instance, wanted: Wanted, *, is_known: bool
) -> tuple[dict[str, Event], bool]:
    """Make, move and end events; returns those that there are then, and whether the bot may make them.

    What there is is looked up, not remembered: an event is found by its place, whatever answer was lost. It is not
    looked up where it `is_known` and nothing differs. What Discord refuses of one keeps no other from being made.
    Raises Undelivered, NotSetUp.
    """
    known = instance.get("panelEvents", {})
    before = {session: (event["start"], event["end"]) for session, event in known.items()}
    if is_known and before == wanted:
        return known, True
    found: dict[str, Event] = {}
    try:
        there = _there(platform, instance["host"])
        for name in there.keys() - {session[:8] for session in wanted}:
            _end(platform, there[name])
    except Refused as refused:
        return known, _may(refused)
    for session, (start, end) in wanted.items():
        event, last = there.get(session[:8]), known.get(session)
        if start <= clock.now():
            found[session] = {"id": last["id"] if last else "", "start": start, "end": end}
            continue
        is_deleted = event is None and last is not None and last["start"] > clock.now()
        try:
            ident = "" if is_deleted else _shown(platform, instance, session, event, (start, end))
        except Refused as refused:
            if not _may(refused):
                return found, False
            ident = ""  # such a one is not made
        found[session] = {"id": ident, "start": start, "end": end}
    return found, True


def end_events(platform: Platform, instance: Mapping[str, Any]) -> None:
    """End all events of a table that has no panel any more. Raises Undelivered, NotSetUp."""
    if not instance.get("panelEvents"):
        return
    try:
        for event in _there(platform, instance["host"]).values():
            _end(platform, event)
    except Refused as refused:
        _may(refused)


def _may(refused: Refused) -> bool:
    _log.warning("an event is refused", details={"why": str(refused)})
    return refused.code not in _FORBIDDEN


def events_there(platform: Platform, **query: str) -> dict[tuple[str, str], Any]:
    """The events of tables that are not over, by host and by the beginning of their sessions' ids.

    One that a member has made is theirs, whatever place it names. Raises Undelivered, Refused, NotSetUp.
    """
    found: dict[tuple[str, str], Any] = {}
    for event in platform.discord.call("GET", *place_of(platform), query=query):
        location = _LOCATION.fullmatch(str((event.get("entity_metadata") or {}).get("location")))
        if location and (event.get("creator") or {}).get("bot"):
            found[location[1], location[2]] = event
    return found


def _there(platform: Platform, host: str) -> dict[str, Any]:
    """The table's events, by the beginning of their sessions' ids."""
    there = events_there(platform)
    return {session: event for (at, session), event in there.items() if at == host}


def _shown(
    platform: Platform,
    instance: Instance,
    session_id: str,
    event: Any,
    time: tuple[int, int],
) -> str:
    """The id of the session's event, which is made or moved. One that has begun cannot be: it ends."""
    if event and event["status"] == _SCHEDULED:
        if any(_seconds(event[name]) != _seconds(said) for name, said in _times(*time).items()):
            platform.discord.call("PATCH", *place_of(platform), event["id"], body=_times(*time))
        return str(event["id"])
    if event:
        _end(platform, event)
    session = platform.sessions.find(session_id)
    title = (session and session.get("title")) or f"{instance['username']} plays"
    location = f"https://{instance['host']}/#{session_id[:8]}"
    body: dict[str, Any] = {
        "name": title.strip()[:100] or "A session",
        "privacy_level": _GUILD_ONLY,
        "entity_type": _EXTERNAL,
        "entity_metadata": {"location": location},
        **_times(*time),
    }
    if session and (description := session.get("description", "").strip()):
        body["description"] = description[:1000]
    return str(platform.discord.call("POST", *place_of(platform), body=body)["id"])


def _end(platform: Platform, event: Any) -> None:
    """Delete an event, or let it be over where it has begun."""
    place = (*place_of(platform), event["id"])
    if event["status"] == _ACTIVE:
        platform.discord.call("PATCH", *place, body={"status": _COMPLETED})
    else:
        platform.discord.call("DELETE", *place)


def place_of(platform: Platform) -> tuple[str, ...]:
    """Where the guild's events are in Discord's API. Raises NotSetUp."""
    return ("guilds", platform.discord.account().guild_id, "scheduled-events")


def _times(start: int, end: int) -> dict[str, str]:
    return {
        f"scheduled_{name}_time": datetime.fromtimestamp(moment, UTC).isoformat()
        for name, moment in (("start", start), ("end", end))
    }


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
