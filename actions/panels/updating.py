"""Bringing panels up to date: one message in Discord for each table that has one, and the events of its sessions.

Whoever edits a panel claims it first, so that an older state never comes after a newer one; from then on nobody
knows what it shows (`panelShown`) until that is noted. What fails or finds it claimed is *behind*, and the minute's
tick goes on with it (the registry's `panels-behind`). A claim that came to nothing is left to run out: to give it
up would be a change, of which the stream tells, and so the next attempt.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import structlog

from actions.notices import tell
from actions.panels.events import Wanted, bring_events_up_to_date, end_events, wanted_of
from actions.panels.panel import digest, panel_of
from services import clock
from services.discord import NotSetUp, Refused, Undelivered
from services.dynamodb import Attr, Condition, ConditionFailed, absent, transact
from services.instances import Instance
from services.platform import Platform

_log = structlog.get_logger()
_CLAIM_SECONDS = 30  # by then Discord has answered, or did not
OF_PLACE = ("panelShown", "panelUntil", "eventsRefused")  # what goes with the place where it was
ALL = (*OF_PLACE, "panelChannel", "panelSince", "panelMessage", "panelEvents")
# The message, or its channel, is not there any more, or the bot may not write there (Opcodes and Status Codes).
_NO_MESSAGE, _NO_CHANNEL = (10008,), (10003, 50001, 50013)


def bring_up_to_date(platform: Platform, user_id: str) -> bool:
    """Show how a member's table is now, if it has a panel; False if that has to be tried again."""
    found = platform.instances.find(user_id)
    if found is None or "panelChannel" not in found:
        return True
    if digest(*_wanted(platform, found)) == found.get("panelShown"):
        return True
    try:
        instance = _claim(platform, found)
    except ConditionFailed:  # it is being edited, or was moved: then its own change comes, too
        return False
    message, events = _wanted(platform, instance)
    try:
        shown = show(platform, instance, message)
        is_known = "panelShown" in found  # else an attempt before may have had half its effect
        known, may = bring_events_up_to_date(platform, instance, events, is_known=is_known)
    except (Undelivered, NotSetUp) as failure:
        _log.info("a panel is behind", details={"why": str(failure)})
        return False
    except Refused as refused:
        return _forget(platform, instance, refused)
    noted = {
        "panelMessage": shown,
        "panelEvents": known,
        "panelShown": digest(message, events if may else {}),
        **({} if may else {"eventsRefused": True}),
    }
    if _change(platform, instance, noted, "panelUntil"):
        return True
    return take_away_unused(platform, {**instance, **noted})  # nobody else may know of it


def show(platform: Platform, instance: Mapping[str, Any], message: dict[str, Any]) -> str:
    """Edit the message, or make it; its id. Raises Undelivered, Refused, NotSetUp.

    One that is not known may be there all the same, if its answer was lost. Of one nonce Discord makes one message,
    within some minutes (Message, Create Message).
    """
    if known := str(instance.get("panelMessage") or _found(platform, instance)):
        platform.discord.call("PATCH", *_place(instance), known, body=message)
        return known
    nonce = f"{instance['instanceId']}{instance['panelChannel'][-12:]}"
    made = {**message, "nonce": nonce, "enforce_nonce": True}
    return str(platform.discord.call("POST", *_place(instance), body=made)["id"])


def _found(platform: Platform, instance: Mapping[str, Any]) -> str:
    """The id of the bot's own latest message there whose buttons are this table's; "" if there is none.

    Where the bot may not read what was said, Discord shows none (Message, Get Channel Messages).
    """
    said = platform.discord.call("GET", *_place(instance), query={"limit": "50"})
    bot = platform.discord.account().application_id
    own = (one for one in said if one["author"]["id"] == bot and instance["userId"] in _owners(one))
    return str(next(own, {"id": ""})["id"])


def _owners(message: Mapping[str, Any]) -> set[str]:
    """Whose table a panel's buttons are of (panel.py)."""
    buttons = (one for row in message.get("components", ()) for one in row.get("components", ()))
    return {str(one.get("custom_id")).rpartition(":")[2] for one in buttons}


def take_down(platform: Platform, instance: Mapping[str, Any]) -> None:
    """Delete the message that there is; no error if it is gone. Raises Undelivered, NotSetUp."""
    if instance.get("panelMessage"):
        try:
            platform.discord.call("DELETE", *_place(instance), str(instance["panelMessage"]))
        except Refused as refused:
            _log.info("a panel could not be taken down", details={"why": str(refused)})


def take_away(platform: Platform, instance: Mapping[str, Any]) -> bool:
    """Delete the message and the events of what has no panel any more; False if that has to be tried again."""
    try:
        take_down(platform, instance)
        end_events(platform, instance)
    except (Undelivered, NotSetUp) as failure:
        _log.info("a panel is left over", details={"why": str(failure)})
        return False
    return True


def take_away_unused(platform: Platform, panel: Mapping[str, Any]) -> bool:
    """The same, but for what is in use by now; at a host that has a panel, the events are that one's own.

    Whoever has lost a race, or hears late of a change, may know of a message that somebody else has taken over.
    """
    platform.hosts.forget(panel["host"])
    user_id = platform.hosts.user_of(panel["host"])
    now = platform.instances.find(user_id) if user_id else None
    if now is None or "panelChannel" not in now:
        return take_away(platform, panel)
    is_used = now.get("panelMessage") == panel.get("panelMessage")
    return is_used or take_away(platform, {**panel, "panelEvents": {}})


def _wanted(platform: Platform, instance: Instance) -> tuple[dict[str, Any], Wanted]:
    return panel_of(platform, instance), wanted_of(platform, instance)


def _claim(platform: Platform, instance: Instance) -> Instance:
    """Let nobody else edit it for a while; returns the table as it is from then on."""
    now = clock.now()
    free = absent("panelUntil") | Attr("panelUntil").lt(now)
    until = {"panelUntil": now + _CLAIM_SECONDS}
    claimed = platform.instances.change(instance, free & _same(instance), until, ("panelShown",))
    return cast("Instance", platform.instances.apply_update(claimed))


def _same(instance: Instance) -> Condition:
    """The condition that it has that very panel still."""
    in_place = Attr("panelChannel").eq(instance["panelChannel"])
    return Attr("panelSince").eq(instance["panelSince"]) & in_place


def _place(instance: Mapping[str, Any]) -> tuple[str, ...]:
    return ("channels", instance["panelChannel"], "messages")


def _forget(platform: Platform, instance: Instance, refused: Refused) -> bool:
    """It has no panel any more, if its place is gone; its owner is told unless just the message was deleted.

    False if it has to be tried again: events could not be deleted yet, or it is the bot that is refused.
    """
    _log.warning("a panel is refused", details={"why": str(refused)})
    is_deleted, is_gone = refused.code in _NO_MESSAGE, refused.code in _NO_CHANNEL
    if not (is_deleted or is_gone) or not take_away(platform, {**instance, "panelMessage": ""}):
        return False
    _change(platform, instance, {}, *ALL)
    if is_gone:
        tell(
            platform,
            "panel-lost",
            instance,
            "Your table's panel is gone: its channel is not there any more, or the bot may not write in it."
            " Choose a channel again with set-panel.",
            f"panel-lost-{instance['instanceId']}-{instance['panelSince']}",
        )
    return True


def _change(platform: Platform, instance: Instance, values: dict[str, Any], *remove: str) -> bool:
    """Note something of that very panel; False if it is another one by now, or none."""
    try:
        transact(platform.instances.change(instance, _same(instance), values, remove))
    except ConditionFailed:
        return False
    return True
