"""What a person types into a command: checked against what is registered, as Discord's client does.

Sources: Application Commands, Application Command Option Structure (choices are "the only valid values",
autocompleted ones are not confined), Option Type (ranges), Using Default Permissions; Receiving and Responding,
Application Command Data Structure, Resolved Data Structure. Not played: files (option type 11).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from local.discord import commands as kinds
from local.discord.answers import Json
from local.discord.guild import ADMINISTRATOR, Channel, Member, NotPossible, Role

Value = str | int | float | bool | Member | Role | Channel
_SAFE = 2**53


@dataclass
class Typed:
    """A command with its options, as an interaction tells them."""

    options: list[Json] = field(default_factory=list)
    resolved: Json = field(default_factory=dict)


def allowed(command: Json, who: Member) -> bool:
    """Whether a person sees a command at all."""
    needed = command["default_member_permissions"]
    if needed is None or who.may & ADMINISTRATOR:
        return True
    return int(needed) != 0 and who.may & int(needed) == int(needed)


def typed(
    command: Json, path: list[str], given: Mapping[str, Value], focus: tuple[str, str] | None = None
) -> Typed:
    """What is sent: for a command that is entered, or, with an option in focus, for one that is being typed."""
    found = Typed()
    level, chain = command, []
    for name in path:
        level = _deeper(level, name)
        chain.append(level)
    registered = {each["name"]: each for each in level.get("options", [])}
    if any(each["type"] in (kinds.SUB_COMMAND, kinds.GROUP) for each in registered.values()):
        raise NotPossible(f"/{command['name']} has subcommands: {', '.join(registered)}.")
    unknown = [name for name in given if name not in registered]
    if unknown:
        raise NotPossible(f"/{' '.join([command['name'], *path])} has no option {unknown[0]}.")
    values = [_filled(registered[name], value, found.resolved) for name, value in given.items()]
    if focus:
        values.append(_focused(registered, *focus))
    else:
        _whole(registered, given)
    for each in reversed(chain):
        values = [{"name": each["name"], "type": each["type"], "options": values}]
    found.options = values
    return found


def _deeper(level: Json, name: str) -> Json:
    for each in level.get("options", []):
        if each["name"] == name and each["type"] in (kinds.SUB_COMMAND, kinds.GROUP):
            return dict(each)
    raise NotPossible(f"{level['name']} has no subcommand {name}.")


def _whole(registered: Mapping[str, Json], given: Mapping[str, Value]) -> None:
    for name, option in registered.items():
        if option.get("required") and name not in given:
            raise NotPossible(f"The option {name} is required.")


def _focused(registered: Mapping[str, Json], name: str, text: str) -> Json:
    option = registered.get(name)
    if not option or not option.get("autocomplete"):
        raise NotPossible(f"The option {name} does not autocomplete.")
    return {"name": name, "type": option["type"], "value": text, "focused": True}


def _filled(option: Json, value: Value, resolved: Json) -> Json:
    kind = option["type"]
    if kind in (kinds.STRING, kinds.INTEGER, kinds.NUMBER):
        told: Any = _chosen(option, value) if option.get("choices") else _plain(option, value)
    elif kind == kinds.BOOLEAN:
        told = _of_kind(option, value, bool)
    else:
        told = _named(option, value, resolved)
    return {"name": option["name"], "type": kind, "value": told}


def _of_kind(option: Json, value: Value, *kind: type) -> Any:
    if not isinstance(value, kind) or (isinstance(value, bool) and bool not in kind):
        raise NotPossible(f"The option {option['name']} is not given as {value!r}.")
    return value


def _chosen(option: Json, value: Value) -> Any:
    for choice in option["choices"]:
        if value in (choice["name"], choice["value"]) and not isinstance(value, bool):
            return choice["value"]
    raise NotPossible(f"{value!r} is not among the choices of {option['name']}.")


def _plain(option: Json, value: Value) -> Any:
    name = option["name"]
    if option["type"] == kinds.STRING:
        text = _of_kind(option, value, str)
        if not max(1, option.get("min_length", 0)) <= len(text) <= option.get("max_length", 6000):
            raise NotPossible(f"The option {name} cannot be {len(text)} characters long.")
        return text
    number = _of_kind(option, value, *((int,) if option["type"] == kinds.INTEGER else (int, float)))
    least = max(option.get("min_value", -_SAFE + 1), -_SAFE + 1)
    if not least <= number <= min(option.get("max_value", _SAFE - 1), _SAFE - 1):
        raise NotPossible(f"The option {name} cannot be {number}.")
    return number


def _named(option: Json, value: Value, resolved: Json) -> str:
    """Somebody or something of the guild; what an interaction tells of it goes into `resolved`."""
    takes = {
        kinds.USER: (Member,),
        kinds.CHANNEL: (Channel,),
        kinds.ROLE: (Role,),
        kinds.MENTIONABLE: (Member, Role),
    }
    if option["type"] not in takes:
        raise NotPossible("Files are not played.")
    _of_kind(option, value, *takes[option["type"]])
    return resolve(value, resolved, option.get("channel_types"))


def resolve(value: Any, resolved: Json, types: list[int] | None = None) -> str:
    """Tell of somebody or something; the id."""
    if isinstance(value, Member):
        if not value.here:
            raise NotPossible(f"{value.name} is not in the guild.")
        resolved.setdefault("users", {})[value.id] = value.user()
        resolved.setdefault("members", {})[value.id] = value.shown(whole=False)
    elif isinstance(value, Role):
        resolved.setdefault("roles", {})[value.id] = value.shown()
    elif isinstance(value, Channel):
        shown = value.shown()
        if value.recipient or (types and shown["type"] not in types):
            raise NotPossible(f"The channel {value.name} is not among those to choose from.")
        shown.pop("permission_overwrites")
        resolved.setdefault("channels", {})[value.id] = shown | {
            "permissions": str(value.bot_permissions)
        }
    else:
        raise NotPossible(f"{value!r} is nothing of the guild.")
    return str(value.id)
