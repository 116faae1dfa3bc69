"""What the page shows of the played Discord to whoever somebody plays."""

from __future__ import annotations

from typing import Any

from local.discord.answers import Json
from local.discord.commands import GROUP, SUB_COMMAND
from local.discord.guild import Channel, Member, Message
from local.discord.messages import EPHEMERAL, LOADING
from local.discord.options import allowed
from local.discord.page.asked import Asked
from local.discord.playing import Discord


def state(discord: Discord, asked: Asked) -> Json:
    """Who and what there is; with somebody and a place, what they read there."""
    with discord.lock:
        guild = discord.guild
        found: Json = {
            "people": [_person(each) for each in guild.members.values() if each.here],
            "roles": [{"id": each.id, "name": each.name} for each in guild.roles.values()],
            "channels": [
                {"id": each.id, "name": each.name, "last": _last(discord, each, None)}
                for each in guild.channels.values()
                if not each.recipient
            ],
            "elsewhere": discord.elsewhere,
            "commands": max((each["version"] for each in _all(discord)), key=int, default=""),
        }
        if asked.text("who"):
            found["direct"] = _last(discord, guild.direct(asked.who), asked.who)
            for each in found["channels"]:
                each["last"] = _last(discord, guild.channels[each["id"]], asked.who)
        if asked.text("who") and asked.text("place"):
            typed = _typed(discord)
            said = guild.said(asked.place, asked.who)
            found["messages"] = [_message(each, typed) for each in said]
        return found


def commands(discord: Discord, asked: Asked) -> Json:
    """The commands that somebody sees, each with its options."""
    with discord.lock:
        found = [each for each in _all(discord) if allowed(each, asked.who)]
        return {"commands": [leaf for each in found for leaf in _leaves(each, each["name"])]}


def _all(discord: Discord) -> list[Json]:
    return [each for each in discord.commands.listed(localized=False) if each["type"] == 1]


def _leaves(level: Json, path: str) -> list[Json]:
    options = level.get("options", [])
    nested = [each for each in options if each["type"] in (SUB_COMMAND, GROUP)]
    if not nested:
        return [{"name": path, "says": level["description"], "options": options}]
    return [leaf for each in nested for leaf in _leaves(each, f"{path} {each['name']}")]


def _person(who: Member) -> Json:
    roles = [role.name for role in who.roles]
    return {
        "id": who.id,
        "name": who.nick or who.name,
        "username": who.username,
        "roles": roles,
    }


def _last(discord: Discord, channel: Channel, who: Member | None) -> str:
    """The newest message that somebody sees there, so that the page tells what is new."""
    return max((each.id for each in discord.guild.said(channel, who)), key=int, default="")


def _typed(discord: Discord) -> dict[str, str]:
    """The command that each message answers."""
    found = {}
    for each in discord.interactions.values():
        data = each.payload["data"]
        if each.original and "name" in data:
            path, options = [data["name"]], data.get("options", [])
            while options and options[0]["type"] in (SUB_COMMAND, GROUP):
                path.append(options[0]["name"])
                options = options[0].get("options", [])
            found[each.original] = " ".join(path)
    return found


def _message(message: Message, typed: dict[str, str]) -> Json:
    data = message.data
    by: dict[str, Any] = data.get("interaction_metadata") or {}
    return {
        "id": message.id,
        "author": data["author"]["username"],
        "at": data["timestamp"],
        "edited": bool(data["edited_timestamp"]),
        "text": data["content"],
        "only": bool(data["flags"] & EPHEMERAL),
        "thinking": bool(data["flags"] & LOADING),
        "by": by["user"]["id"] if by else None,
        "command": typed.get(message.id),
        "rows": [each["components"] for each in data["components"]],
    }
