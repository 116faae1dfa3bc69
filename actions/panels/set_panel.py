"""set-panel: in which channel of Discord a table's panel is; null for none."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.errors import Conflict, InstanceNotFound, TimedOut
from actions.lookup import instance_of
from actions.panels.crew_add import Snowflake
from actions.panels.events import delete_events
from actions.panels.updating import OF_PANEL, bring_up_to_date, take_down
from services import clock
from services.discord import NotSetUp, Refused, Undelivered
from services.dynamodb import Attr, ConditionFailed, transact
from services.instances import Instance
from services.platform import Platform


class SetPanel(UserRequest):
    """Whose table, and the channel's id; null to have no panel any more."""

    channel_id: Snowflake | None


def set_panel(request: SetPanel, platform: Platform) -> Answer:
    """Take the panel down where it was, and put it up there, now or as soon as Discord takes it.

    Raises InstanceNotFound; Conflict where Discord is not set up; TimedOut, and then nothing has changed.
    """
    instance = instance_of(platform, request.user_id)
    _take_down(platform, instance, with_events=request.channel_id is None)
    gone = [*OF_PANEL]
    values = {"panelChannel": request.channel_id, "panelSince": clock.now()}
    if request.channel_id is None:
        values, gone = {}, [*gone, "panelChannel", "panelSince", "panelEvents"]
    try:
        transact(platform.instances.change(instance, Attr("status").exists(), values, gone))
    except ConditionFailed as refused:
        raise InstanceNotFound(request.user_id) from refused
    if request.channel_id is None:
        return {"success": True, "channelId": None, "message": "The table has no panel any more"}
    bring_up_to_date(platform, request.user_id)
    said = platform.instances.find(request.user_id) or instance
    if "panelChannel" not in said:
        raise Conflict(
            "The bot may not write in that channel.",
            field="channelId",
            suggestion="Let the application's role see the channel and send messages there.",
        )
    return {
        "success": True,
        "channelId": request.channel_id,
        "message": "The table's panel is there, and shows how it is",
    }


def _take_down(platform: Platform, instance: Instance, *, with_events: bool) -> None:
    """Delete what there is in Discord, of which nothing is noted yet. Raises Conflict, TimedOut."""
    try:
        platform.discord.account()
        take_down(platform, instance)
        if with_events:
            delete_events(platform, instance)
    except (NotSetUp, Refused) as why:
        said = f"Discord is not set up: {why}." if isinstance(why, NotSetUp) else f"{why}."
        raise Conflict(said, field="channelId") from None
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
