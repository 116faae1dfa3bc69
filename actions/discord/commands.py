"""The commands as Discord knows them, made from the table of actions and the models of their requests.

The limits and forms are Discord's (Application Commands, Command Object).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import actions
from actions.action import Request
from actions.command import Command

SUB_COMMAND, STRING, INTEGER, BOOLEAN, USER, CHANNEL, MENTIONABLE = 1, 3, 4, 5, 6, 7, 9
_TYPES = {"string": STRING, "integer": INTEGER, "boolean": BOOLEAN}
_MANAGE_GUILD = str(1 << 5)
_GROUPS = {
    "server": "Your Foundry server",
    "saves": "The saves of your server's files",
    "session": "Your game sessions",
    "license": "Licences of the community, and your own",
    "costs": "What servers cost, and who paid",
    "admin": "For administrators",
}
# What people call a field, if it is not its own name.
_NAMES = {
    "foundry_version": "version",
    "license_type": "license",
    "allow_license_sharing": "share",
    "idle_minutes": "minutes",
    "save_id": "save",
    "session_id": "session",
    "start_time": "when",
    "duration": "minutes",
    "target_user_id": "member",
    "to_user_id": "to",
    "channel_id": "channel",
    "crew_id": "who",
    "user_id": "table",
    "donation_id": "donation",
    "token_id": "token",
    "transaction_id": "transaction",
}
# What Discord itself lets people choose from.
_CHOSEN = {
    "target_user_id": USER,
    "to_user_id": USER,
    "channel_id": CHANNEL,
    "crew_id": MENTIONABLE,
    "user_id": USER,
}
_TEXT_CHANNEL = 0
MOMENTS = {"start_time", "until"}  # what people write, and the platform counts in seconds
# What Discord asks for while it is typed: the member's own, or what there is.
COMPLETED = {
    "save_id",
    "session_id",
    "world",
    "module",
    "system",
    "time_zone",
    "foundry_version",
}


@dataclass(frozen=True)
class Option:
    """A field of a request as people give it. `wire` is its name in the payload, `name` what people call it."""

    field: str
    wire: str
    name: str
    says: str
    type: int
    required: bool
    limits: Mapping[str, Any]
    left_out: Mapping[str, Any]  # what the payload says of it where it is not given

    def shown(self) -> dict[str, Any]:
        """As Discord takes it."""
        said = {"type": self.type, "name": self.name, "description": self.says}
        if self.field in COMPLETED:
            said["autocomplete"] = True
        return said | ({"required": True} if self.required else {}) | dict(self.limits)


def command_names() -> dict[str, str]:
    """What in Discord stands for an action's name in a text: `/server start` for start-instance."""
    return {action: f"`/{path}`" for path, action in actions.COMMANDS.items()}


def command_of(action: str) -> Command:
    """How Discord shows the action. Raises UnknownAction, and ValueError for one that it does not show."""
    command = actions.find(action).command
    if command is None:
        raise ValueError(f"{action} is no command")
    return command


def options_of(action: str) -> list[Option]:
    """What a command asks for as options, what must be given first."""
    asked = [_option(action, *said) for said in command_of(action).options.items()]
    return sorted(asked, key=lambda option: not option.required)


def fields_of(action: str) -> list[Option]:
    """What a command asks for in a form, of which nothing is ever an option."""
    return [_option(action, *said) for said in command_of(action).form.items()]


def definitions() -> list[dict[str, Any]]:
    """All commands of a guild."""
    return [_group(name, says) for name, says in _GROUPS.items()]


def _group(name: str, says: str) -> dict[str, Any]:
    group = {
        "type": 1,
        "name": name,
        "description": says,
        "options": list(_sub_commands(name)),
    }
    # Who else is to see it, a server's own settings say (Integrations); what it does, only administrators may.
    return group | ({"default_member_permissions": _MANAGE_GUILD} if name == "admin" else {})


def _sub_commands(group: str) -> Iterator[dict[str, Any]]:
    for path, action in actions.COMMANDS.items():
        of, _, name = path.partition(" ")
        if of == group:
            yield {
                "type": SUB_COMMAND,
                "name": name,
                "description": command_of(action).says,
                "options": [option.shown() for option in options_of(action)],
            }


def _option(action: str, field: str, says: str) -> Option:
    request: type[Request] = actions.find(action).request
    wire = request.model_fields[field].alias or field
    schema = request.model_json_schema()
    form = _not_null(schema["properties"][wire])
    is_nullable = form is not schema["properties"][wire]
    is_own = field == "user_id"  # whoever asks, unless a member of its crew names a table's owner
    required = wire in schema.get("required", ()) and not is_own
    name = _NAMES.get(field, field.replace("_", "-"))
    if field in _CHOSEN:
        type_ = _CHOSEN[field]
        limits = {"channel_types": [_TEXT_CHANNEL]} if type_ == CHANNEL else {}
    elif field in MOMENTS:
        type_, limits = STRING, {}
    else:
        type_, limits = _TYPES[form["type"]], _limits(form)
    left_out = {wire: None} if required and is_nullable else {}
    return Option(field, wire, name, says, type_, required and not is_nullable, limits, left_out)


def _not_null(form: dict[str, Any]) -> dict[str, Any]:
    """A field's schema without the null that says that it may be left out."""
    return next((one for one in form.get("anyOf", ()) if one.get("type") != "null"), form)


def _limits(form: Mapping[str, Any]) -> dict[str, Any]:
    if "enum" in form:
        return {"choices": [{"name": value, "value": value} for value in form["enum"]]}
    names = {"minimum": "min_value", "maximum": "max_value"}
    if form["type"] == "string":
        names = {"minLength": "min_length", "maxLength": "max_length"}
    return {ours: form[theirs] for theirs, ours in names.items() if theirs in form}
