"""Interactions on their way to the application, and its answers on their way back.

Sources: Receiving and Responding, Interaction Callback; Interactions Overview, Setting Up an Endpoint and
Validating Security Request Headers (a PING is answered by a PONG, a bad signature by 401).
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING

from local.discord.answers import Json
from local.discord.interactions import Interaction, encoded
from local.discord.messages import LOADING
from local.discord.responses import (
    LATER,
    MESSAGE,
    MODAL,
    PING,
    PONG,
    THINKING,
    UPDATE,
    Odd,
    judged,
    understood,
)
from local.discord.speaking import answer, edit

if TYPE_CHECKING:
    from local.discord.playing import Discord

Answer = tuple[int, bytes]
Endpoint = Callable[[bytes, dict[str, str]], Answer]
_EMPTY: Json = {"content": "", "embeds": [], "components": [], "tts": False}
_EMPTY |= {"mentions": [], "mention_roles": [], "mention_everyone": False}


def deliver(discord: Discord, interaction: Interaction) -> Interaction:
    """Tell the application of an interaction, and show the person its answer."""
    interaction.body = encoded(interaction.payload)
    interaction.headers = discord.signer.headers(interaction.body, discord.now())
    discord.interactions[interaction.token] = interaction
    since = discord.stopwatch()
    status, body = discord.endpoint(interaction.body, dict(interaction.headers))
    took = discord.stopwatch() - since
    with discord.lock:
        before = interaction.source
        try:
            interaction.response = understood(status, body, took)
            data = judged(
                interaction.response,
                interaction.kind,
                discord.guild,
                before.data if before else None,
                _option(interaction),
            )
        except Odd as odd:
            interaction.refused = str(odd)
            return interaction
        if interaction.channel.id not in discord.guild.channels:
            interaction.refused = "The channel was deleted meanwhile."
            return interaction
        interaction.answered = True
        _show(interaction, interaction.response["type"], data)
    return interaction


def _option(interaction: Interaction) -> int:
    """The kind of the option in focus."""
    options = interaction.payload["data"].get("options", [])
    while options and "options" in options[0]:
        options = options[0]["options"]
    return next((each["type"] for each in options if each.get("focused")), 3)


def _show(interaction: Interaction, kind: int, data: Json) -> None:
    if kind == MESSAGE:
        interaction.original = answer(interaction, data).id
    elif kind == THINKING:
        flags = data["flags"] | LOADING
        interaction.original = answer(interaction, _EMPTY | {"flags": flags}).id
    elif kind in (LATER, UPDATE):
        source = interaction.source
        if source and source.id in interaction.guild.messages:
            interaction.original = source.id
            if data:
                edit(interaction.guild, source, data)
    elif kind == MODAL:
        interaction.modal = data


def ping(discord: Discord) -> bool:
    """What Discord asks when the address of an endpoint is saved, and from time to time."""
    body = encoded(
        {
            "application_id": discord.application_id,
            "authorizing_integration_owners": {},
            "entitlements": [],
            "id": discord.guild.ids.next(),
            "token": secrets.token_urlsafe(48),
            "type": PING,
            "version": 1,
        }
    )
    headers = discord.signer.headers(body, discord.now())
    bad = headers | {"X-Signature-Ed25519": secrets.token_hex(64)}
    try:
        good = understood(*discord.endpoint(body, dict(headers)), took=0)
    except Odd:
        return False
    return good.get("type") == PONG and discord.endpoint(body, bad)[0] == 401
