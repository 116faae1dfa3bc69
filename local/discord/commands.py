"""The rules of application commands, and how Discord writes down what it was given.

Sources: Application Commands, Application Command Naming / Structure / Option Type / Option Structure / Option
Choice Structure, Slash Commands (8000 characters), Localization; Discord's OpenAPI document
(`ApplicationCommand…`: an option has the fields of its own type, others are let fall). That fields which are
empty or false are not sent back is said by a developer of Discord in discord-api-docs#3161. A guild's commands
come without `contexts`, `integration_types` and `dm_permission`, which are "only for globally-scoped commands".

Not found: what is said of `min_value` above `max_value`, and of `choices` besides `autocomplete`; both are
refused.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Any

from local.discord.answers import UNDOCUMENTED, Form, Json, kept

SUB_COMMAND, GROUP, STRING, INTEGER, BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE, NUMBER, FILE = (
    range(1, 12)
)
LONGEST = 8000
_LOCALES = (
    "id da de en-GB en-US es-ES es-419 fr hr it lt hu nl no pl pt-BR ro fi sv-SE vi tr cs el bg ru uk hi th "
    "zh-CN ja zh-TW ko"
)
_NESTED = {SUB_COMMAND, GROUP}
_PERMISSIONS = 18_014_398_509_481_983  # the OpenAPI document's maximum


def command(form: Form, before: Json | None = None) -> Json:
    """A command as Discord keeps it; with one before, fields that are not given stay as they are."""
    kind = form.one_of("type", (1, 2, 3)) or (before or {}).get("type") or 1
    found: Json = {"type": kind}
    readers: dict[str, Callable[[], Any]] = {
        "name": lambda: _name(form, slash=kind == 1),
        "name_localizations": lambda: _localizations(form, "name", 32),
        "description": lambda: _description(form, kind),
        "description_localizations": lambda: _localizations(form, "description", 100),
        "options": lambda: _options(form, kind),
        "default_member_permissions": lambda: _permissions(form),
        "nsfw": lambda: form.truth("nsfw"),
    }
    for name, read in readers.items():
        if before is None or name in form.values:
            found[name] = read()
    whole = {**(before or {}), **found}
    if sum(map(_length, _all(whole))) > LONGEST:
        words = f"Command exceeds maximum size ({LONGEST})"
        form.errors.add(form.at, "APPLICATION_COMMAND_TOO_LARGE", words)
    return whole


def _name(form: Form, slash: bool = True) -> str | None:
    name = form.text("name", 32, 1, required=True)
    if slash and name and not is_name(name):
        form.wrong("name", "APPLICATION_COMMAND_INVALID_NAME", "Command name is invalid")
    return name


def is_name(name: str) -> bool:
    """Whether a slash command or an option may be called so."""
    return name == name.lower() and all(map(_in_a_name, name))


def _in_a_name(letter: str) -> bool:
    if letter in "-_'" or unicodedata.category(letter)[0] in "LN":
        return True
    return unicodedata.name(letter, "").startswith(("DEVANAGARI", "THAI"))


def _description(form: Form, kind: int) -> str | None:
    if kind == 1:
        return form.text("description", 100, 1, required=True)
    if form.given("description"):
        form.wrong("description", UNDOCUMENTED, "Only slash commands have a description")
    return ""


def _localizations(form: Form, name: str, most: int) -> Json | None:
    field = f"{name}_localizations"
    words = form.form(field)
    if words is None:
        return None
    for locale in words.values:
        if locale not in _LOCALES.split():
            words.wrong(locale, "BASE_TYPE_CHOICES", "Value must be a locale.")
        words.text(locale, most, 1)
    return words.values


def _permissions(form: Form) -> str | None:
    value = form.given("default_member_permissions")
    if value is None:
        return None
    if not str(value).isdecimal() or isinstance(value, bool) or int(value) > _PERMISSIONS:
        words = f"Value must be an integer between 0 and {_PERMISSIONS}, as a string."
        form.wrong("default_member_permissions", "NUMBER_TYPE_COERCE", words)
    return str(value)


def _options(form: Form, kind: int) -> list[Json]:
    if kind != 1 and form.given("options"):
        form.wrong("options", UNDOCUMENTED, "Only slash commands have options")
    return _list(form, {SUB_COMMAND, GROUP})


def _list(form: Form, nested: set[int], group: bool = False) -> list[Json]:
    """Options beside each other. `nested`: the kinds of commands that may be among them; in a group, only they."""
    forms = form.forms("options", 25)
    found = [_option(each, nested) for each in forms]
    names: set[Any] = set()
    optional = False
    for each, option in zip(forms, found, strict=True):
        name, commands = option.get("name"), option.get("type") in _NESTED
        if name in names:
            words = f"Option name {name} is already used in these options"
            form.errors.add(each.at, "APPLICATION_COMMAND_OPTIONS_NAME_INVALID", words)
        if commands != (group or found[0].get("type") in _NESTED) or (
            commands and option["type"] not in nested
        ):
            words = "Sub-command and sub-command group option types are mutually exclusive to all other types"
            form.errors.add(each.at, "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", words)
        if option.get("required") and optional:
            words = "Required options must be placed before non-required options"
            form.errors.add(each.at, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", words)
        names.add(name)
        optional = optional or not option.get("required")
    return found


def _option(form: Form, nested: set[int]) -> Json:
    kind = form.one_of("type", range(1, 12), required=True)
    found = kept(
        type=kind,
        name=_name(form),
        description=form.text("description", 100, 1, required=True),
        required=kind not in _NESTED and form.truth("required"),
        name_localizations=_localizations(form, "name", 32),
        description_localizations=_localizations(form, "description", 100),
    )
    if kind in _NESTED:
        deeper = {SUB_COMMAND} if kind == GROUP and GROUP in nested else set()
        return found | kept(options=_list(form, deeper, group=kind == GROUP))
    if kind in (STRING, INTEGER, NUMBER):
        found |= _choosing(form, kind) | _bounds(form, kind)
    if kind == CHANNEL:
        types = form.items("channel_types", 20)
        found |= kept(channel_types=types)
    return found


def _choosing(form: Form, kind: int) -> Json:
    choices = [choice(each, kind) for each in form.forms("choices", 25)]
    completes = form.truth("autocomplete")
    if choices and completes:
        words = "An option has choices or autocompletes, not both"
        form.wrong("autocomplete", UNDOCUMENTED, words)
    return kept(choices=choices, autocomplete=completes)


def choice(form: Form, kind: int) -> Json:
    """One of the values that an option may have, or that autocomplete proposes."""
    name = form.text("name", 100, 1, required=True)
    if form.values.get("value") is None:
        form.given("value", required=True)
    found: Json = {"name": name}
    if kind == STRING:
        found["value"] = form.text("value", 100)
    else:
        found["value"] = form.number("value", whole=kind == INTEGER)
    return found | kept(name_localizations=_localizations(form, "name", 100))


def _bounds(form: Form, kind: int) -> Json:
    if kind == STRING:
        low, high = form.number("min_length", 0, 6000), form.number("max_length", 1, 6000)
        names = ("min_length", "max_length")
    else:
        whole = kind == INTEGER
        low, high = form.number("min_value", whole=whole), form.number("max_value", whole=whole)
        names = ("min_value", "max_value")
    if low is not None and high is not None and low > high:
        form.wrong(names[0], UNDOCUMENTED, f"{names[0]} is more than {names[1]}")
    pairs = zip(names, (low, high), strict=True)
    return {name: value for name, value in pairs if value is not None}


def _all(whole: Json) -> list[Json]:
    """A command, its options, theirs, and the choices of all of them."""
    found = [whole]
    for option in whole.get("options") or []:
        found += _all(option)
    return found + list(whole.get("choices") or [])


def _length(item: Json) -> int:
    """Of the longest localizations, if there are any."""
    total = len(item["value"]) if isinstance(item.get("value"), str) else 0
    for name in ("name", "description"):
        words = [item.get(name), *(item.get(f"{name}_localizations") or {}).values()]
        total += max(len(each) if isinstance(each, str) else 0 for each in words)
    return total
