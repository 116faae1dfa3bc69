"""Who is interested in the events of sessions, noted with these: who asks for them does not wait for Discord."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import structlog

from actions.panels.events import events_there, place_of
from services.discord import NotSetUp, Refused, Undelivered
from services.dynamodb import Attr, ConditionFailed
from services.platform import Platform

_log = structlog.get_logger()
_MOST = 100  # of one event: as many as Discord names at once (Get Guild Scheduled Event Users)


def note_interest(platform: Platform) -> None:
    """Ask of each event that is not over, the soonest first; what is not answered is left to the next time."""
    try:
        there = events_there(platform, with_user_count="true")
        for place, event in sorted(there.items(), key=lambda found: _begins(found[1])):
            with suppress(Refused):  # it was deleted meanwhile
                _note(platform, *place, event)
    except (Undelivered, Refused, NotSetUp) as failure:
        _log.info("who is interested is not known", details={"why": str(failure)})


def _begins(event: Any) -> str:
    return str(event["scheduled_start_time"])


def _note(platform: Platform, host: str, session_start: str, event: Any) -> None:
    user_id = platform.hosts.user_of(host)
    instance = platform.instances.find(user_id) if user_id else None
    events = instance.get("panelEvents", {}) if instance else {}
    session_id = next((one for one in events if one.startswith(session_start)), "")
    session = platform.sessions.find(session_id) if session_id else None
    if not session or not (event.get("user_count") or session.get("interested")):
        return
    place = (*place_of(platform), str(event["id"]), "users")
    users = platform.discord.call("GET", *place, query={"limit": str(_MOST)})
    interested = sorted(str(one["user"]["id"]) for one in users)
    if interested != session.get("interested", []):
        noted = platform.sessions.update(
            session["sessionId"], Attr("sessionId").exists(), {"interested": interested}
        )
        with suppress(ConditionFailed):  # it has expired meanwhile
            platform.sessions.apply(noted)
