"""How the application's messages come to be and change, whichever way they are sent.

Sources: Message Resource, Message Structure, Message Types; Receiving and Responding, Create Followup Message (the
first after "is thinking…" edits that).
"""

from __future__ import annotations

from local.discord.answers import Json
from local.discord.guild import Channel, Guild, Message, user, written
from local.discord.interactions import Interaction, metadata
from local.discord.messages import EPHEMERAL, LOADING
from local.discord.responses import COMPONENT

DEFAULT, REPLY, CHAT_INPUT_COMMAND = 0, 19, 20


def say(guild: Guild, application: str, channel: Channel, fields: Json, **more: object) -> Message:
    """Put a message into a channel."""
    data: Json = {
        "type": DEFAULT,
        "attachments": [],
        "pinned": False,
        "timestamp": written(guild.now()),
        "edited_timestamp": None,
        "id": guild.ids.next(),
        "channel_id": channel.id,
        "author": bot(application),
        **fields,
        **more,
    }
    message = Message(channel, data)
    guild.messages[message.id] = message
    channel.last_message_id = message.id
    return message


def answer(interaction: Interaction, fields: Json, original: str | None = None) -> Message:
    """Say something in answer to an interaction; `original` if it is a follow-up to that message."""
    application = interaction.payload["application_id"]
    kind = REPLY if original or interaction.kind == COMPONENT else CHAT_INPUT_COMMAND
    after = original or (interaction.source.id if interaction.source else None)
    more: Json = {"message_reference": _reference(interaction, after)} if after else {}
    message = say(
        interaction.guild,
        application,
        interaction.channel,
        fields,
        type=kind,
        webhook_id=application,
        application_id=application,
        interaction_metadata=metadata(interaction, original),
        **more,
    )
    message.only = interaction.who if message.data["flags"] & EPHEMERAL else None
    return message


def edit(guild: Guild, message: Message, fields: Json) -> None:
    """Change a message. That the application is thinking is over then."""
    message.data |= fields
    if message.data["flags"] & LOADING:
        message.data["flags"] &= ~LOADING
    else:
        message.data["edited_timestamp"] = written(guild.now())


def bot(application: str) -> Json:
    """The application's own user."""
    return user(application, "foundry", None, bot=True)


def _reference(interaction: Interaction, ident: str) -> Json:
    found: Json = {"type": 0, "channel_id": interaction.channel.id, "message_id": ident}
    return found | ({"guild_id": interaction.guild.id} if interaction.channel.guild_id else {})
