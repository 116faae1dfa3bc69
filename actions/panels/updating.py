"""Bringing panels up to date: one message in Discord for each table that has one.

Whoever edits a panel claims it first, so that an older state never comes after a newer one. What fails or finds it
claimed is *behind*, and the minute's tick goes on with it (the registry's `panels-behind`).
"""

from __future__ import annotations

from typing import Any, cast

import structlog

from actions.notices import tell
from actions.panels.events import Wanted, bring_events_up_to_date, delete_events, wanted_of
from actions.panels.panel import digest, panel_of
from services import clock
from services.discord import NotSetUp, Refused, Undelivered
from services.dynamodb import Attr, Condition, ConditionFailed, absent, transact
from services.instances import Instance
from services.platform import Platform

_log = structlog.get_logger()
_CLAIM_SECONDS = 30  # by then Discord has answered, or did not
OF_PANEL = ("panelMessage", "panelShown", "panelUntil", "eventsRefused")  # of where it is
_ALL = (*OF_PANEL, "panelChannel", "panelSince", "panelEvents")
# The message, or its channel, is not there any more, or the bot may not write there (Opcodes and Status Codes).
_NO_MESSAGE, _NO_CHANNEL = (10008,), (10003, 50001, 50013)


def bring_up_to_date(platform: Platform, user_id: str) -> bool:
    """Show how a member's table is now, if it has a panel; False if that has to be tried again."""
    instance = platform.instances.find(user_id)
    if instance is None or "panelChannel" not in instance:
        return True
    if digest(*_wanted(platform, instance)) == instance.get("panelShown"):
        return True
    try:
        instance = _claim(platform, instance)
    except ConditionFailed:  # it is being edited, or was moved: then its own change comes, too
        return False
    message, events = _wanted(platform, instance)
    noted: dict[str, Any] = {}
    try:
        noted["panelMessage"] = _show(platform, instance, message)
        known, may = bring_events_up_to_date(platform, instance, events)
    except Undelivered as failure:
        _log.info("a panel is behind", details={"why": str(failure)})
        _change(platform, instance, noted, "panelUntil")
        return False
    except (Refused, NotSetUp) as refused:
        return _forget(platform, instance, refused)
    noted |= {"panelEvents": known, "panelShown": digest(message, events if may else {})}
    _change(platform, instance, noted if may else noted | {"eventsRefused": True}, "panelUntil")
    return True


def _wanted(platform: Platform, instance: Instance) -> tuple[dict[str, Any], Wanted]:
    return panel_of(platform, instance), wanted_of(platform, instance)


def take_down(platform: Platform, instance: Instance) -> None:
    """Delete the message that there is; no error if it is gone. Raises Undelivered, NotSetUp."""
    if "panelMessage" in instance and "panelChannel" in instance:
        try:
            platform.discord.call("DELETE", *_place(instance), instance["panelMessage"])
        except Refused as refused:
            _log.info("a panel could not be taken down", details={"why": str(refused)})


def _claim(platform: Platform, instance: Instance) -> Instance:
    """Let nobody else edit it for a while; returns the table as it is from then on."""
    now = clock.now()
    free = absent("panelUntil") | Attr("panelUntil").lt(now)
    until = {"panelUntil": now + _CLAIM_SECONDS}
    claimed = platform.instances.change(instance, free & _same(instance), until)
    return cast("Instance", platform.instances.apply_update(claimed))


def _same(instance: Instance) -> Condition:
    """The condition that it has that very panel still."""
    return Attr("panelSince").eq(instance["panelSince"])


def _show(platform: Platform, instance: Instance, message: dict[str, Any]) -> str:
    """Edit the message, or make it; its id. Of one nonce Discord makes one message (Message, Create Message)."""
    if "panelMessage" in instance:
        known = instance["panelMessage"]
        platform.discord.call("PATCH", *_place(instance), known, body=message)
        return known
    nonce = f"{instance['instanceId']}{instance['panelSince']}"
    made = {**message, "nonce": nonce, "enforce_nonce": True}
    return str(platform.discord.call("POST", *_place(instance), body=made)["id"])


def _place(instance: Instance) -> tuple[str, ...]:
    return ("channels", instance["panelChannel"], "messages")


def _forget(platform: Platform, instance: Instance, refused: Exception) -> bool:
    """It has no panel any more; its owner is told unless somebody has deleted just the message.

    False if its events could not be deleted yet, so that this has to be tried again.
    """
    try:
        delete_events(platform, instance)
    except Undelivered:
        _change(platform, instance, {}, "panelUntil")
        return False
    except (Refused, NotSetUp) as other:
        _log.warning("events are left over", details={"why": str(other)})
    _log.warning("a panel is forgotten", details={"why": str(refused)})
    _change(platform, instance, {}, *_ALL)
    code = refused.code if isinstance(refused, Refused) else 0
    if code not in _NO_MESSAGE:
        why = (
            "its channel is gone, or the bot may not write there"
            if code in _NO_CHANNEL
            else str(refused)
        )
        tell(
            platform,
            "panel-lost",
            instance,
            f"Your table's panel was taken down: {why}. Choose a channel again with set-panel.",
            f"panel-lost-{instance['instanceId']}-{instance['panelSince']}",
        )
    return True


def _change(platform: Platform, instance: Instance, values: dict[str, Any], *remove: str) -> None:
    try:
        transact(platform.instances.change(instance, _same(instance), values, remove))
    except ConditionFailed:
        _log.info("a panel was moved while it was edited")
