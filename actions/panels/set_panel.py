"""set-panel: in which channel of Discord a table's panel is; null for none."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.errors import Conflict, InstanceNotFound, PlatformError, TimedOut
from actions.lookup import instance_of
from actions.panels.crew_add import Snowflake
from actions.panels.events import end_events
from actions.panels.panel import panel_of
from actions.panels.updating import (
    ALL,
    OF_PLACE,
    bring_up_to_date,
    show,
    take_away,
    take_away_unused,
    take_down,
)
from services import clock
from services.discord import NotSetUp, Refused, Undelivered
from services.dynamodb import Attr, Condition, ConditionFailed, absent
from services.instances import Instance
from services.platform import Platform

T = TypeVar("T")


class SetPanel(UserRequest):
    """Whose table, and the channel's id; null to have no panel any more."""

    channel_id: Snowflake | None


def set_panel(request: SetPanel, platform: Platform) -> Answer:
    """Put the panel up there, then take it down where it was.

    Raises InstanceNotFound; Conflict where the bot may not write, where Discord is not set up or the panel was
    moved meanwhile; TimedOut if Discord cannot be reached. Nothing has changed then.
    """
    instance = instance_of(platform, request.user_id)
    if request.channel_id is None:
        return _without(platform, instance)
    moved = {**instance, "panelChannel": request.channel_id}
    moved.pop("panelMessage", None)
    values = {"panelChannel": request.channel_id, "panelSince": clock.now()}
    values["panelMessage"] = _reached(lambda: show(platform, moved, panel_of(platform, instance)))
    try:
        platform.instances.apply_update(
            platform.instances.change(instance, _as_read(instance), values, OF_PLACE)
        )
    except ConditionFailed as refused:
        take_away_unused(platform, {**values, "host": instance["host"]})
        raise _gone(instance, refused) from refused
    if instance.get("panelMessage") != values["panelMessage"]:
        # At once, since somebody looks on; if it fails, with the stream's record of the change (update-panels).
        take_away(platform, {**instance, "panelEvents": {}})
    bring_up_to_date(platform, request.user_id)
    return {
        "success": True,
        "channelId": request.channel_id,
        "message": "The table's panel is there, and shows how it is",
    }


def _without(platform: Platform, instance: Instance) -> Answer:
    def take_all() -> None:
        platform.discord.account()
        take_down(platform, instance)
        end_events(platform, instance)

    _reached(take_all)
    try:
        platform.instances.apply_update(
            platform.instances.change(instance, _as_read(instance), {}, ALL)
        )
    except ConditionFailed as refused:
        raise _gone(instance, refused) from refused
    return {"success": True, "channelId": None, "message": "The table has no panel any more"}


def _as_read(instance: Instance) -> Condition:
    """The condition that nobody has put the panel up, moved it or taken it down since."""
    message = instance.get("panelMessage")
    same = absent("panelMessage") if message is None else Attr("panelMessage").eq(message)
    return Attr("status").exists() & same


def _gone(instance: Instance, refused: ConditionFailed) -> PlatformError:
    if not refused.found:
        return InstanceNotFound(instance["userId"])
    return Conflict("The panel was moved just now.", suggestion="Look where it is, then try again.")


def _reached(ask: Callable[[], T]) -> T:
    """What Discord answers. Raises Conflict, TimedOut."""
    try:
        return ask()
    except NotSetUp as lacking:
        raise Conflict(f"Discord is not set up: {lacking}.", field="channelId") from None
    except Refused:
        raise Conflict(
            "The bot may not write in that channel.",
            field="channelId",
            suggestion="Let the application's role see the channel and send messages there.",
        ) from None
    except Undelivered:
        raise TimedOut("Discord") from None


ACTION = Action(
    SetPanel,
    set_panel,
    Scope.USER,
    Command(
        "Choose the channel in which a panel shows your table",
        options={"channel_id": "Which channel; left out, there is none any more"},
    ),
)
