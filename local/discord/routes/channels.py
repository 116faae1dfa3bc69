"""Channels, direct messages, and what is said in them.

Sources: Channel Resource, Get Channel; User Resource, Create DM; Message Resource, Get Channel Messages / Message,
Create / Edit / Delete Message (with the permissions that each needs), `enforce_nonce`. That an ephemeral message is
unknown to these routes is what people have met (Discord4J#1048, discord-api-docs#6253). For how long a nonce is
remembered is said to be "the past few minutes"; here, it is three.
"""

from __future__ import annotations

from local.discord.answers import Errors, Form, Json, refusal
from local.discord.guild import (
    ADMINISTRATOR,
    MANAGE_MESSAGES,
    READ_MESSAGE_HISTORY,
    SEND_MESSAGES,
    VIEW_CHANNEL,
    Channel,
    Message,
)
from local.discord.messages import EDITING, IN_CHANNEL, judged
from local.discord.paging import Page
from local.discord.routes.route import Answered, Call, Route
from local.discord.speaking import edit, say

_PATH = "/channels/{channel}"
_REMEMBERED = 180


def _channel(call: Call, needs: int = 0) -> Channel:
    channel = call.discord.guild.channels.get(call.ids["channel"])
    if channel is None:
        raise refusal(10003)
    may = channel.bot_permissions
    if channel.recipient is None and not may & ADMINISTRATOR:
        if not may & VIEW_CHANNEL:
            raise refusal(50001)
        if may & needs != needs:
            raise refusal(50013)
    return channel


def _message(call: Call, channel: Channel) -> Message:
    message = call.discord.guild.messages.get(call.ids["message"])
    if message is None or message.channel is not channel or message.only:
        raise refusal(10008)
    return message


def _get_channel(call: Call) -> Answered:
    return 200, _channel(call).shown()


def _direct(call: Call) -> Answered:
    errors = Errors()
    recipient = Form.of(call.body, errors).given("recipient_id", required=True)
    errors.refuse()
    member = call.discord.guild.members.get(str(recipient))
    if member is None:
        raise refusal(50033)
    return 200, call.discord.guild.direct(member).shown()


def _list(call: Call) -> Answered:
    channel = _channel(call)
    page = Page.of(call.query, usual=50)
    if not channel.recipient and not channel.bot_permissions & READ_MESSAGE_HISTORY:
        return 200, []
    said = page.part(call.discord.guild.said(channel), lambda each: each.id)
    return 200, [each.data for each in said][::-1][: page.limit]  # from newest to oldest


def _get(call: Call) -> Answered:
    return 200, _message(call, _channel(call, READ_MESSAGE_HISTORY)).data


def _create(call: Call) -> Answered:
    discord = call.discord
    channel = _channel(call, SEND_MESSAGES)
    fields = judged(call.body, IN_CHANNEL, discord.guild)
    nonce = _nonce(call)
    if nonce is not None and call.body.get("enforce_nonce"):
        moment, ident = discord.nonces.get((channel.id, nonce), (0.0, ""))
        if discord.now() < moment + _REMEMBERED and ident in discord.guild.messages:
            return 200, discord.guild.messages[ident].data
    _reachable(channel)
    more: Json = {} if nonce is None else {"nonce": call.body["nonce"]}
    said = say(discord.guild, discord.application_id, channel, fields | more)
    if nonce is not None:
        discord.nonces[channel.id, nonce] = (discord.now(), said.id)
    return 200, said.data


def _nonce(call: Call) -> str | None:
    errors = Errors()
    form = Form.of(call.body, errors)
    if not isinstance(form.given("nonce"), int):
        form.text("nonce", 25)
    errors.refuse()
    return None if form.given("nonce") is None else str(form.given("nonce"))


def _reachable(channel: Channel) -> None:
    """Whether a person takes what the bot says to them alone."""
    if channel.recipient and not channel.recipient.here:
        raise refusal(50278)
    if channel.recipient and not channel.recipient.takes_direct_messages:
        raise refusal(50007)


def _edit(call: Call) -> Answered:
    message = _message(call, _channel(call))
    if message.data["author"]["id"] != call.discord.application_id:
        raise refusal(50005)
    guild = call.discord.guild
    edit(guild, message, judged(call.body, EDITING, guild, message.data))
    return 200, message.data


def _delete(call: Call) -> Answered:
    channel = _channel(call)
    message = _message(call, channel)
    own = message.data["author"]["id"] == call.discord.application_id
    if not own and not channel.bot_permissions & MANAGE_MESSAGES:
        raise refusal(50013)
    call.discord.guild.delete(message)
    return 204, None


ROUTES = (
    Route("POST", "/users/@me/channels", "direct", _direct),
    Route("GET", _PATH, "read", _get_channel),
    Route("GET", _PATH + "/messages", "read", _list),
    Route("POST", _PATH + "/messages", "send", _create),
    Route("GET", _PATH + "/messages/{message}", "read", _get),
    Route("PATCH", _PATH + "/messages/{message}", "edit", _edit),
    Route("DELETE", _PATH + "/messages/{message}", "delete", _delete),
)
