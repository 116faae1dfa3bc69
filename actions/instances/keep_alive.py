"""keep-alive: the member is still playing; the stop is postponed."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import OF_CREW, Command
from actions.errors import Conflict, InstanceNotFound, WrongState
from actions.lookup import instance_of
from services import clock
from services.dynamodb import Attr, ConditionFailed
from services.instances import InstanceStatus
from services.platform import Platform


class KeepAlive(UserRequest):
    """Whose server, and for how many minutes from now."""

    minutes: Annotated[int, Field(ge=10, le=12 * 60)] = 120


def keep_alive(request: KeepAlive, platform: Platform) -> Answer:
    """Let the server run on, at most to 12 hours in all. A licence's booked session still comes first.

    Raises InstanceNotFound, WrongState unless it is running, Conflict if it has run for as long as may be.
    """
    instance = instance_of(platform, request.user_id)
    if instance["status"] != InstanceStatus.RUNNING:
        raise WrongState("kept alive", instance["status"], "Start it first.")
    now = clock.now()
    longest = instance["upSince"] + platform.settings.longest_seconds
    if longest <= now:
        raise Conflict(
            f"A server runs for {platform.settings.longest_seconds // 3600} hours at most; this one has.",
            field="minutes",
            until=longest,
            suggestion="Save, and start it again when it has stopped.",
        )
    until = min(now + request.minutes * 60, longest)
    running = Attr("runId").eq(instance["runId"]) & Attr("status").eq(InstanceStatus.RUNNING)
    kept = platform.instances.change(
        instance, running, {"keepUntil": until}, ("idleSince", "noticedAt", "noticeId")
    )
    try:
        platform.instances.apply_update(kept)
    except ConditionFailed as refused:
        if not refused.found:
            raise InstanceNotFound(request.user_id) from refused
        status = refused.found["status"]
        raise WrongState("kept alive", status, "It is too late; start it again.") from refused
    return {"success": True, "until": until, "message": "The server is kept running"}


ACTION = Action(
    KeepAlive,
    keep_alive,
    Scope.USER,
    Command(
        "Keep a server running though nobody plays",
        options={"minutes": "For how many minutes from now", **OF_CREW},
    ),
)
