"""Sessions to come, of tables that have a panel, as scheduled events of the guild (Guild Scheduled Event)."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import structlog

from services import clock
from services.discord import Refused
from services.instances import Event, Instance, InstanceStatus
from services.platform import Platform

_log = structlog.get_logger()
_EXTERNAL, _GUILD_ONLY = 3, 2
_UNKNOWN_EVENT, _FORBIDDEN = 10070, (50001, 50013)

Wanted = dict[str, tuple[int, int]]


def wanted_of(platform: Platform, instance: Instance) -> Wanted:
    """When the sessions begin and end that there should be events of: those that have not begun."""
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
    return {session: time for session, time in times.items() if time[0] > now}


def bring_events_up_to_date(
    platform: Platform, instance: Instance, wanted: Wanted
) -> tuple[dict[str, Event], bool]:
    """Make, move and delete events; returns those that there are then, and whether the bot may make them.

    What has been done is done again if this is repeated, with no effect: an event is found by its place. Raises
    Undelivered.
    """
    known = dict(instance.get("panelEvents", {}))
    try:
        for session in known.keys() - wanted.keys():
            _delete(platform, known.pop(session))
        for session, (start, end) in wanted.items():
            if session not in known:
                known[session] = _make(platform, instance, session, start, end)
            elif (known[session]["start"], known[session]["end"]) != (start, end):
                known[session] = _move(platform, known[session], start, end)
    except Refused as refused:
        _log.warning("no event could be made", details={"why": str(refused)})
        return known, refused.code not in _FORBIDDEN
    return known, True


def delete_events(platform: Platform, instance: Instance) -> None:
    """Delete all events of a table that has no panel any more. Raises Undelivered, NotSetUp."""
    for event in instance.get("panelEvents", {}).values():
        _delete(platform, event)


def _make(platform: Platform, instance: Instance, session_id: str, start: int, end: int) -> Event:
    place = _place(platform)
    location = f"https://{instance['host']}/#{session_id[:8]}"
    there = platform.discord.call("GET", *place)
    made = next(
        (e for e in there if (e.get("entity_metadata") or {}).get("location") == location), None
    )
    if made is None:
        session = platform.sessions.find(session_id)
        title = (session and session.get("title")) or f"{instance['username']} plays"
        body: dict[str, Any] = {
            "name": title[:100],
            "privacy_level": _GUILD_ONLY,
            "entity_type": _EXTERNAL,
            "entity_metadata": {"location": location},
            **_times(start, end),
        }
        if session and session.get("description"):
            body["description"] = session["description"][:1000]
        made = platform.discord.call("POST", *place, body=body)
    return {"id": str(made["id"]), "start": start, "end": end}


def _move(platform: Platform, event: Event, start: int, end: int) -> Event:
    """Give an event other times; one that somebody has deleted in Discord is not made again."""
    if event["id"]:
        try:
            platform.discord.call("PATCH", *_place(platform), event["id"], body=_times(start, end))
        except Refused as refused:
            if refused.code != _UNKNOWN_EVENT:
                raise
            return {"id": "", "start": start, "end": end}
    return {"id": event["id"], "start": start, "end": end}


def _delete(platform: Platform, event: Event) -> None:
    """Delete the event of a session that is cancelled. One that has begun ends by itself."""
    if not event["id"] or event["start"] <= clock.now():
        return
    try:
        platform.discord.call("DELETE", *_place(platform), event["id"])
    except Refused as refused:
        if refused.code != _UNKNOWN_EVENT:
            raise


def _place(platform: Platform) -> tuple[str, ...]:
    return ("guilds", platform.discord.account().guild_id, "scheduled-events")


def _times(start: int, end: int) -> dict[str, str]:
    return {
        f"scheduled_{name}_time": datetime.fromtimestamp(moment, UTC).isoformat()
        for name, moment in (("start", start), ("end", end))
    }
