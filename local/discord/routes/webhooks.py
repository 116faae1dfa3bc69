"""Answers to interactions, changed and added to later, by the interaction's token alone.

Sources: Receiving and Responding, Followup Messages; Webhook Resource, Get / Edit / Delete Webhook Message. That a
token answers 404 before the interaction was answered in time, and 401 (50027) once its 15 minutes are over, is what
people have met (discord-api-docs#6851).
"""

from __future__ import annotations

from local.discord.answers import refusal
from local.discord.guild import Message
from local.discord.interactions import VALID, Interaction
from local.discord.messages import EDITING_ANSWER, EPHEMERAL, IN_ANSWER, LOADING, judged
from local.discord.routes.route import Answered, Call, Route
from local.discord.speaking import answer, edit

_PATH = "/webhooks/{application}/{token}"


def _interaction(call: Call) -> Interaction:
    discord = call.discord
    if call.ids["application"] != discord.application_id:
        raise refusal(10015)
    interaction = discord.interactions.get(call.ids["token"])
    if interaction is None or discord.now() >= interaction.made + VALID:
        raise refusal(50027)
    if not interaction.answered:
        raise refusal(10015)
    return interaction


def _message(call: Call, interaction: Interaction) -> Message:
    ident = call.ids["message"]
    found = interaction.original if ident == "@original" else ident
    if found not in (interaction.original, *interaction.shown):
        raise refusal(10008)
    message = call.discord.guild.messages.get(found or "")
    if message is None:
        raise refusal(10008)
    return message


def _get(call: Call) -> Answered:
    return 200, _message(call, _interaction(call)).data


def _edit(call: Call) -> Answered:
    message = _message(call, _interaction(call))
    return _change(call, message)


def _change(call: Call, message: Message) -> Answered:
    guild = call.discord.guild
    edit(guild, message, judged(call.body, EDITING_ANSWER, guild, message.data))
    return 200, message.data


def _delete(call: Call) -> Answered:
    call.discord.guild.delete(_message(call, _interaction(call)))
    return 204, None


def _create(call: Call) -> Answered:
    interaction = _interaction(call)
    guild = call.discord.guild
    original = guild.messages.get(interaction.original or "")
    if original and original.data["flags"] & LOADING:
        ephemeral = original.data["flags"] & EPHEMERAL  # which stays as it was
        fields = judged(call.body, IN_ANSWER, guild)
        edit(
            guild, original, fields | {"flags": fields["flags"] & ~EPHEMERAL | ephemeral | LOADING}
        )
        return 200, original.data
    if interaction.channel.id not in guild.channels:
        raise refusal(10003)
    fields = judged(call.body, IN_ANSWER, guild)
    said = answer(interaction, fields, interaction.original or interaction.id)
    interaction.shown.append(said.id)
    return 200, said.data


ROUTES = (
    Route("POST", _PATH, "follow up", _create),
    Route("GET", _PATH + "/messages/{message}", "read", _get),
    Route("PATCH", _PATH + "/messages/{message}", "edit", _edit),
    Route("DELETE", _PATH + "/messages/{message}", "delete", _delete),
)
