"""From what was typed, pressed or filled in to an order: an action and its payload."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from textwrap import shorten
from typing import Any
from urllib.parse import parse_qsl, urlencode

import actions
from actions.action import Answer
from actions.discord.commands import (
    BOOLEAN,
    INTEGER,
    MOMENTS,
    Option,
    command_of,
    fields_of,
    options_of,
)
from actions.errors import Forbidden, InvalidRequest
from actions.panels.crew import PREFIX
from handler.discord.interactions import Interaction, Kind, Member, Resolved
from services import clock

_TITLE, _LABEL, _ID = 45, 45, 100  # characters that Discord takes (Component Reference)
_SEND_MESSAGES = 1 << 11  # Permissions, Bitwise Permission Flags
_UNTIL, _BUTTON_SECONDS = "_until", 900
_RED, _BUTTON, _ROW, _INPUT = 4, 2, 1, 4


@dataclass(frozen=True)
class Asked:
    """What somebody wants done. `values` are options as they were given, by the names that people see."""

    action: str
    values: Mapping[str, Any]
    typed: Mapping[str, str]  # into a form: it may be secret

    def payload(self, member: Member, moment_of: Callable[[str], int]) -> dict[str, Any]:
        """What the action is called with, for this member. Raises what `moment_of` does."""
        payload: dict[str, Any] = {"userId": member.user.id}
        if _needs_name(self.action):
            payload["username"] = member.name[:64]
        for option in options_of(self.action):
            if option.name in self.values:
                given = self.values[option.name]
                in_seconds = option.field in MOMENTS
                payload[option.wire] = (
                    moment_of(str(given)) if in_seconds else _value(option, given)
                )
            else:
                payload |= option.left_out
        fields = fields_of(self.action)
        return payload | {f.wire: self.typed[f.wire] for f in fields if f.wire in self.typed}


def asked_of(interaction: Interaction) -> Asked:
    """What is asked for. Raises InvalidRequest for a command that is not ours any more."""
    data = interaction.data
    if interaction.type in (Kind.COMMAND, Kind.TYPING):
        path, values = data.command()
        action = actions.COMMANDS.get(path, "")
        _refuse_closed_channels(data.resolved)
        return _known(Asked(action, values, {}), f"/{path}")
    action, _, options = data.custom_id.partition("?")
    values = dict(parse_qsl(options))
    until = values.pop(_UNTIL, "")
    if interaction.type is Kind.BUTTON and not (until.isdecimal() and clock.now() <= int(until)):
        raise InvalidRequest("This button is too old.", suggestion="Give the command again.")
    known = action if action in actions.COMMANDS.values() else ""
    return _known(Asked(known, values, data.typed()), data.custom_id)


def _refuse_closed_channels(resolved: Resolved) -> None:
    """The bot may write in channels where this member may not, and does so for nobody."""
    if any(not int(c.permissions) & _SEND_MESSAGES for c in resolved.channels.values()):
        raise Forbidden("You may not write in that channel.", suggestion="Choose another one.")


def pressed(interaction: Interaction) -> tuple[str, str] | None:
    """The action, and whose table, of a panel's button; None for another button."""
    found = re.fullmatch(rf"{PREFIX}:([a-z-]+):([^:]+)", interaction.data.custom_id)
    return (found[1], found[2]) if found else None


def form_of(asked: Asked) -> Answer:
    """The form in which Discord asks for what is secret; what was given before comes back with it."""
    rows = [
        {"type": _ROW, "components": [_input(field)]}
        for field in fields_of(asked.action)  # five at most
    ]
    return {
        "custom_id": _custom_id(asked),
        "title": shorten(command_of(asked.action).says, _TITLE, placeholder="…"),
        "components": rows,
    }


def button_of(asked: Asked) -> list[Answer]:
    """The red button that has it done, for a quarter of an hour: who finds it weeks later means something else."""
    button = {
        "type": _BUTTON,
        "style": _RED,
        "label": "Yes, do it",
        "custom_id": _custom_id(asked, {_UNTIL: clock.now() + _BUTTON_SECONDS}),
    }
    return [{"type": _ROW, "components": [button]}]


def _input(field: Option) -> Answer:
    bounds = {
        name: field.limits[name] for name in ("min_length", "max_length") if name in field.limits
    }
    return {
        "type": _INPUT,
        "custom_id": field.wire,
        "label": field.says[:_LABEL],
        "style": 1,
        "required": field.required,
        **bounds,
    }


def _known(asked: Asked, said: str) -> Asked:
    if not asked.action:
        raise InvalidRequest(
            "There is no such command any more.",
            field="command",
            value=said[:64],
            suggestion="Discord shows those that there are after a while; else ask an administrator.",
        )
    return asked


def _custom_id(asked: Asked, more: Mapping[str, Any] = {}) -> str:
    found = f"{asked.action}?{urlencode(list(_texts({**asked.values, **more})))}"
    if len(found) > _ID:
        raise InvalidRequest("That is too long.", suggestion="Give shorter words.")
    return found


def _texts(values: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        yield name, str(value).lower() if isinstance(value, bool) else str(value)


def _value(option: Option, given: Any) -> Any:
    """A value as the action takes it. One that went through a button is a text."""
    if option.type == BOOLEAN and isinstance(given, str):
        return given == "true"
    if option.type == INTEGER and isinstance(given, str) and re.fullmatch(r"-?[0-9]{1,9}", given):
        return int(given)
    return given


def _needs_name(action: str) -> bool:
    field = actions.find(action).request.model_fields.get("username")
    return field is not None and field.is_required()
