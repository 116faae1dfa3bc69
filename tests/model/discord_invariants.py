"""What must hold of what Discord shows: of panels, events and answers.

What a panel should show is said here once more, in other words than the platform's own.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from tests.model import emulated
from tests.model.community import Community
from tests.model.emulated import Item

_PREPARATION = 600  # seconds of a booking before its session
_STATES = {
    "created": r"Asleep",
    "stopped": r"Asleep",
    "starting": r"Starting since",
    "running": r"Open, since",
    "stopping": r"It is being stopped",
    "creating": r"It is being made",
    "destroying": r"This table is no more",
}
_BUTTONS = {
    "created": ["start-instance", "save-now"],
    "stopped": ["start-instance", "save-now"],
    "running": ["keep-alive", "stop-instance"],
    "starting": ["stop-instance"],
}


def panels_are_right(community: Community) -> None:
    """Each table with a panel has one message that shows how it is, and nothing else is in any channel."""
    there = {c.id: community.discord.messages(c) for c in community.channels}
    with_panel = [i for i in emulated.items("instances") if "panelChannel" in i]
    shown = [message for messages in there.values() for message in messages]
    wanted = {i["panelMessage"] for i in with_panel}
    left = [m for m in shown if m["id"] not in wanted and _heading(m) not in community.uncertain]
    assert not left, "a panel that is nobody's"
    for instance in with_panel:
        if instance["panelMessage"] in community.deleted:
            continue  # it is forgotten when there is something else to show
        mine = [m for m in there[instance["panelChannel"]] if m["id"] == instance["panelMessage"]]
        assert len(mine) == 1, instance
        _is_right(mine[0], instance)


def _heading(message: Any) -> str:
    """Whose table it is."""
    return str(message["content"].split("\n")[0].removeprefix("## "))


def _is_right(message: Any, instance: Item) -> None:
    assert _heading(message) == instance["username"]
    state = message["content"].split("\n")[1]
    waits = "startsAfter" in instance
    assert re.match(_STATES["starting" if waits else instance["status"]], state), (state, instance)
    buttons = [one["custom_id"] for row in message["components"] for one in row["components"]]
    wanted = [] if waits else _BUTTONS.get(instance["status"], [])
    assert buttons == [f"panel:{action}:{instance['userId']}" for action in wanted]


def events_are_right(community: Community, now: int) -> None:
    """Each session to come of a table with a panel is announced once, and no other one."""
    wanted = [
        (instance["host"], booking["begins"] + _PREPARATION)
        for instance in emulated.items("instances")
        if "panelChannel" in instance and instance["status"] != "destroying"
        for booking in instance.get("bookings", [])
    ]
    announced = [
        (
            event["entity_metadata"]["location"].removeprefix("https://").partition("/")[0],
            int(datetime.fromisoformat(event["scheduled_start_time"]).timestamp()),
        )
        for event in community.discord.events.listed(False)
    ]
    coming = sorted(one for one in announced if one[1] > now)
    assert coming == sorted(one for one in wanted if one[1] > now)
    assert set(announced) - set(coming) <= set(wanted), "announced, and over before its time"


def whoever_asked_is_told(community: Community) -> None:
    """Of each order that was carried out the answer came, in its place or to who asked alone."""
    told = {
        user: len(community.discord.direct_messages(member))
        for user, member in community.members.items()
    }
    waiting: dict[str, int] = {}
    for seen in community.asked:
        is_done = seen.id in community.carried_out
        if seen.is_thinking and is_done and seen.id not in community.given_up:
            waiting[seen.who.id] = waiting.get(seen.who.id, 0) + 1
    for user, count in waiting.items():
        assert told[user] >= count, f"{user} was not told"


def no_token_is_shown(community: Community, log: str) -> None:
    """Neither the bot's nor an interaction's."""
    assert community.discord.bot_token not in log
    assert not [seen for seen in community.asked if seen.token in log]
