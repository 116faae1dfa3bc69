"""What people do at the page: each thing by the method that tests have for it."""

from __future__ import annotations

from typing import Any

from local.discord import commands as kinds
from local.discord.answers import Json
from local.discord.guild import NotPossible
from local.discord.interactions import NOTHING, Interaction
from local.discord.options import Value
from local.discord.page.asked import Asked, Odd
from local.discord.playing import Discord


def command(discord: Discord, asked: Asked) -> Json:
    """Somebody sends a command."""
    name = asked.text("name")
    given = _values(discord, name, asked.values("options"))
    return _outcome(discord.command(asked.who, name, channel=asked.place, given=given))


def types(discord: Discord, asked: Asked) -> Json:
    """Somebody has typed so much of an option."""
    name, option = asked.text("name"), asked.text("option")
    others = {n: text for n, text in asked.values("options").items() if n != option}
    found = discord.types(
        asked.who,
        name,
        option=option,
        text=asked.text("text"),
        channel=asked.place,
        given=_values(discord, name, others),
    )
    return {"choices": list(found), "refused": found.refused}


def press(discord: Discord, asked: Asked) -> Json:
    """Somebody presses a button, or chooses from a menu."""
    message = {"id": asked.text("message")}
    pressed = discord.press(asked.who, message, asked.text("component"), asked.texts("values"))
    return _outcome(pressed)


def submit(discord: Discord, asked: Asked) -> Json:
    """Somebody has filled in a form, and sends it."""
    seen = _interaction(discord, asked)
    return _outcome(discord.submits(asked.who, seen, **asked.values("values")))


def dismiss(discord: Discord, asked: Asked) -> Json:
    """Somebody has read what only they see."""
    with discord.lock:
        message = discord.find({"id": asked.text("message")})
        if message.only is not asked.who:
            raise NotPossible("Only who alone sees a message dismisses it.")
        discord.delete(message)
    return {}


def _outcome(seen: Interaction) -> Json:
    return {
        "interaction": seen.id,
        "failed": NOTHING if seen.refused else None,
        "why": seen.refused,
        "form": seen.modal,
    }


def _interaction(discord: Discord, asked: Asked) -> Interaction:
    with discord.lock:
        for each in discord.interactions.values():
            if each.id == asked.text("interaction"):
                return each
    raise Odd("There is no such interaction.")


def _values(discord: Discord, name: str, given: dict[str, str]) -> dict[str, Value]:
    """What fields of the page say, as values of the command's options."""
    first, *path = name.split() or [""]
    level: Json = discord.commands.called(first) or {}
    for step in path:
        deeper = (each for each in level.get("options", []) if each["name"] == step)
        level = next(deeper, {})
    options = {each["name"]: each for each in level.get("options", [])}
    return {
        each: _value(discord, options[each]["type"], text) if each in options else text
        for each, text in given.items()
    }


def _value(discord: Discord, kind: int, text: str) -> Value:
    guild = discord.guild
    if kind in (kinds.INTEGER, kinds.NUMBER):
        try:
            return int(text) if kind == kinds.INTEGER else float(text)
        except ValueError:
            raise NotPossible(f"{text} is no number.") from None
    if kind == kinds.BOOLEAN:
        return text == "true"
    named: dict[int, list[dict[str, Any]]] = {
        kinds.USER: [guild.members],
        kinds.ROLE: [guild.roles],
        kinds.CHANNEL: [guild.channels],
        kinds.MENTIONABLE: [guild.members, guild.roles],
    }
    if kind not in named:
        return text
    for every in named[kind]:
        if text in every:
            found: Value = every[text]
            return found
    raise NotPossible("Choose somebody or something that is there.")
