"""set-time-zone: of which time zone the times are that a member writes as people do (docs/discord.md)."""

from __future__ import annotations

from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from services.dynamodb import transact
from services.platform import Platform


def _known(name: str) -> str:
    if name not in available_timezones():
        raise ValueError("Send a name of the time zone database, such as Europe/Berlin or UTC.")
    return name


class SetTimeZone(UserRequest):
    """Who, and the name of the time zone in the IANA time zone database."""

    time_zone: Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_known)]


def set_time_zone(request: SetTimeZone, platform: Platform) -> Answer:
    """Understand what this member writes as of that time zone from now on. Seconds on the wire are always UTC."""
    transact(platform.registry.set_time_zone(request.user_id, request.time_zone))
    return {
        "success": True,
        "timeZone": request.time_zone,
        "message": f"Times that you write are of {request.time_zone}",
    }


ACTION = Action(
    SetTimeZone,
    set_time_zone,
    Scope.USER,
    Command(
        "Choose the time zone in which you write times",
        options={"time_zone": "Such as Europe/Berlin"},
        at_once=True,
    ),
)
