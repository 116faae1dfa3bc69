"""What a person chooses from a menu, or writes into a modal: checked as Discord's client does.

Sources: Component Reference, the "Interaction Response Structure" of each component; Receiving and Responding,
Modal Submit Data Structure.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from local.discord.answers import Json
from local.discord.components import CHANNELS, CHOICES, LABEL, ROLES, TEXT, USERS
from local.discord.guild import Channel, Member, NotPossible, Role
from local.discord.options import resolve

_OF = {USERS: (Member,), ROLES: (Role,), CHANNELS: (Channel,)}


def chosen(component: Json, values: Sequence[Any]) -> Json:
    """`values`, and `resolved` if they are somebody or something of the guild."""
    if not component["min_values"] <= len(values) <= component["max_values"]:
        raise NotPossible(f"{len(values)} values cannot be chosen in {component['custom_id']}.")
    resolved: Json = {}
    if component["type"] == CHOICES:
        allowed = [each["value"] for each in component["options"]]
        strange = [value for value in values if value not in allowed]
        found = list(values)
    else:
        of = _OF.get(component["type"], (Member, Role))
        strange = [value for value in values if not isinstance(value, of)]
        found = [resolve(value, resolved, component.get("channel_types")) for value in values]
    if strange or len(set(found)) < len(found):
        raise NotPossible(f"{values!r} cannot be chosen in {component['custom_id']}.")
    return {"values": found} | ({"resolved": resolved} if resolved else {})


def filled(modal: Json, values: Mapping[str, Any]) -> Json:
    """The data of a submitted modal. What is not given stays as the modal proposed it."""
    resolved: Json = {}
    known = set()
    lines = []
    for line in modal["components"]:
        field = line["component"] if line["type"] == LABEL else line["components"][0]
        known.add(field["custom_id"])
        told = _field(field, values, resolved)
        inner = {"component": told} if line["type"] == LABEL else {"components": [told]}
        lines.append({"type": line["type"], "id": line["id"], **inner})
    if unknown := set(values) - known:
        raise NotPossible(f"The modal has no field {sorted(unknown)[0]}.")
    found = {"custom_id": modal["custom_id"], "components": lines}
    return found | ({"resolved": resolved} if resolved else {})


def _field(field: Json, values: Mapping[str, Any], resolved: Json) -> Json:
    name = field["custom_id"]
    told = {"type": field["type"], "id": field["id"], "custom_id": name}
    if field["type"] == TEXT:
        text = values.get(name, field.get("value", ""))
        if not isinstance(text, str) or (field["required"] and not text):
            raise NotPossible(f"The field {name} is required.")
        if text and not field["min_length"] <= len(text) <= field["max_length"]:
            raise NotPossible(f"The field {name} cannot be {len(text)} characters long.")
        if field["style"] == 1 and "\n" in text:
            raise NotPossible(f"The field {name} is one line.")
        return told | {"value": text}
    default = [each["value"] for each in field.get("options", []) if each.get("default")]
    values_in = values.get(name, default)
    if not values_in and not field.get("required"):
        return told | {"values": []}
    found = chosen(field, values_in)
    for kind, each in found.pop("resolved", {}).items():
        resolved.setdefault(kind, {}).update(each)
    return told | found
