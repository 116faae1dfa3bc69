"""What whoever asked in Discord is told, once it is known: by the answer that Discord holds open, or by the bot.

An answer can be edited for a quarter of an hour, unless it was deleted, as with its channel. What Discord does not
take waits in the queue; what cannot be edited is told by the bot, in a direct message. What was done stands,
whatever becomes of its answer.
"""

from __future__ import annotations

import math
from typing import Any

import structlog
from pydantic import BaseModel

from services import clock
from services.discord import TOKEN_SECONDS, NotSetUp, Refused, Undelivered
from services.platform import Platform

_log = structlog.get_logger()
_HOPEFUL_SECONDS = 3600
_WAIT = 600  # so that it is taken from the queue 18 times in that hour, of 20 that are not too many for it
_LONGEST_WAIT = 900  # SQS's own
_ON_ITS_WAY_SECONDS = 60
_UNKNOWN_WEBHOOK = 10015


class Told(BaseModel):
    """The answer to somebody's interaction: its id, its token, when that was given, and the message for Discord."""

    id: str
    user_id: str
    token: str
    at: int
    message: dict[str, Any]


def tell(platform: Platform, told: Told) -> None:
    """Tell it now, or have it told as soon as Discord takes it. Repeating it is harmless.

    What AWS raises means that it is not queued.
    """
    if (wait := _wait_after(platform, told)) is not None:
        sealed = platform.discord.seal(told.model_dump())
        platform.webhook_queue.send(told.user_id, {"sealed": sealed}, wait)


def tell_queued(platform: Platform, sealed: str) -> int | None:
    """Tell what was queued; returns after how many seconds to do so again, or None if that need not be."""
    try:
        told = Told.model_validate(platform.discord.unseal(sealed))
    except (ValueError, NotSetUp):  # the bot's token is another one now
        _log.warning("an answer in Discord was given up", details={"why": "it cannot be opened"})
        return None
    return _wait_after(platform, told)


def _wait_after(platform: Platform, told: Told) -> int | None:
    """Tell it; returns after how many seconds to try again, None if there is nothing more to do."""
    age = clock.now() - told.at
    try:
        _send(platform, told, age)
    except Undelivered as failure:
        _log.info("Discord did not take an answer", details={"why": str(failure), "age": age})
        if age >= _HOPEFUL_SECONDS:
            return None
        return min(max(math.ceil(failure.wait), min(age // 2, _WAIT)), _LONGEST_WAIT)
    except (Refused, NotSetUp) as refused:
        _log.warning("an answer in Discord was given up", details={"why": str(refused)})
    return None


def _send(platform: Platform, told: Told, age: int) -> None:
    discord = platform.discord
    if age < TOKEN_SECONDS:
        answered = ("webhooks", discord.account().application_id, told.token, "messages")
        try:
            discord.call("PATCH", *answered, "@original", body=told.message, as_bot=False)
            return
        except Refused as refused:
            if refused.code == _UNKNOWN_WEBHOOK and age < _ON_ITS_WAY_SECONDS:
                # Discord has not heard yet that an answer will follow: that is on its way to it.
                raise Undelivered("it is not waiting for an answer yet", wait=1) from None
            _log.info("an answer cannot be edited", details={"why": str(refused)})
    _send_directly(platform, told)


def _send_directly(platform: Platform, told: Told) -> None:
    """By the bot, in a channel that it has with that member alone (User, Create DM).

    Of one nonce Discord takes one message, within some minutes: one whose answer was lost may be sent again
    (Message, Create Message).
    """
    who = {"recipient_id": told.user_id}
    channel = platform.discord.call("POST", "users", "@me", "channels", body=who)
    if not isinstance(channel, dict) or "id" not in channel:
        raise Undelivered("Discord answered with no channel")
    sent = {name: value for name, value in told.message.items() if name != "flags"}
    sent |= {"nonce": told.id, "enforce_nonce": True}
    platform.discord.call("POST", "channels", channel["id"], "messages", body=sent)
