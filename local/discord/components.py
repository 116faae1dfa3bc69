"""The rules of what can be pressed, chosen and filled in, in messages and in modals.

Sources: Component Reference, Custom ID, Action Row, Button, String Select, User / Role / Mentionable / Channel
Select, Label, Text Input, Legacy Message Component Behavior (five action rows); Receiving and Responding,
Modal; Discord's OpenAPI document (`…ComponentForMessageRequest`, `…ForModalRequest`).

Not played: IS_COMPONENTS_V2 and its layouts, premium buttons, file uploads, checkboxes, radio groups, text
displays.
"""

from __future__ import annotations

from collections.abc import Iterator

from local.discord.answers import UNDOCUMENTED, Form, Json, kept

ROW, BUTTON, CHOICES, TEXT, USERS, ROLES, MENTIONABLES, CHANNELS = range(1, 9)
LABEL = 18
SELECTS = (CHOICES, USERS, ROLES, MENTIONABLES, CHANNELS)
LINK = 5


def rows(form: Form) -> list[Json]:
    """The components of a message, as Discord keeps them."""
    found = [_row(each) for each in form.forms("components", 5)]
    _unique(form, found)
    return numbered(found)


def modal(form: Form) -> Json:
    """A modal, as a person sees it."""
    found: Json = {
        "custom_id": form.text("custom_id", 100, 1, required=True),
        "title": form.text("title", 45, 1, required=True),
    }
    form.given("components", required=True)
    lines = [_line(each) for each in form.forms("components", 5, 1)]
    _unique(form, lines)
    return found | {"components": numbered(lines)}


def numbered(components: list[Json]) -> list[Json]:
    """Components, each with an id: those that have none are counted."""
    taken = {each.get("id") for each in every(components)}
    free = (number for number in range(1, 1000) if number not in taken)
    for each in every(components):
        each["id"] = each.get("id") or next(free)
    return components


def every(components: list[Json]) -> Iterator[Json]:
    """Components and those within them."""
    for each in components:
        yield each
        yield from every(each.get("components", []))
        yield from every([each["component"]] if each.get("component") else [])


def _unique(form: Form, components: list[Json]) -> None:
    seen: set[str] = set()
    for row, line in enumerate(components):
        for at, each in enumerate(line.get("components") or [line.get("component") or {}]):
            custom_id = each.get("custom_id")
            if custom_id in seen:
                path = (*form.at, "components", row, "components", at, "custom_id")
                words = "Component custom id cannot be duplicated"
                form.errors.add(path, "COMPONENT_CUSTOM_ID_DUPLICATED", words)
            if custom_id:
                seen.add(custom_id)


def _row(form: Form) -> Json:
    kind = form.one_of("type", (ROW,), required=True)
    children = form.forms("components", 5, 1)
    if not children:
        form.given("components", required=True)
    found = [_child(each) for each in children]
    for each, child in zip(children, found, strict=True):
        if child.get("type") in SELECTS and len(found) > 1:
            words = "The specified component exceeds the maximum width"
            form.errors.add(each.at, "COMPONENT_LAYOUT_WIDTH_EXCEEDED", words)
    return kept(type=kind, id=form.number("id", 0)) | {"components": found}


def _child(form: Form) -> Json:
    kind = form.one_of("type", (BUTTON, *SELECTS), required=True)
    if kind == BUTTON:
        return _button(form)
    return _select(form, kind) if kind else {}


def _button(form: Form) -> Json:
    style = form.one_of("style", (1, 2, 3, 4, 5), required=True)
    custom_id, url = form.text("custom_id", 100, 1), form.text("url", 512)
    label = form.text("label", 80)
    if custom_id and url:
        words = "A custom id and url cannot both be specified"
        form.wrong("custom_id", "BUTTON_COMPONENT_CUSTOM_ID_URL_MUTUALLY_EXCLUSIVE", words)
    elif style == LINK and not url:
        form.wrong("url", "BUTTON_COMPONENT_URL_REQUIRED", "A url is required")
    elif style and style != LINK and not custom_id:
        form.wrong("custom_id", "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED", "A custom id is required")
    if not label and not form.given("emoji"):
        form.errors.add(form.at, UNDOCUMENTED, "A button must have a label or an emoji")
    return kept(
        type=BUTTON,
        id=form.number("id", 0),
        style=style,
        custom_id=custom_id,
        url=url,
        label=label,
        emoji=form.given("emoji"),
        disabled=form.truth("disabled"),
    )


def _select(form: Form, kind: int, in_modal: bool = False) -> Json:
    custom_id = form.text("custom_id", 100, 1, required=True)
    least, most = form.number("min_values", 0, 25), form.number("max_values", 1, 25)
    required = in_modal and form.values.get("required") is not False
    if in_modal and form.given("disabled"):
        form.wrong("disabled", UNDOCUMENTED, "A modal has no disabled components")
    if in_modal and required and least == 0:
        form.wrong("min_values", UNDOCUMENTED, "What is required is at least one value")
    found = kept(
        type=kind,
        id=form.number("id", 0),
        custom_id=custom_id,
        placeholder=form.text("placeholder", 150),
        disabled=form.truth("disabled"),
        required=required,
    )
    found |= {"min_values": 1 if least is None else least, "max_values": most or 1}
    if kind == CHOICES:
        found["options"] = _choices(form)
        if found["min_values"] > len(found["options"]):
            form.wrong("min_values", UNDOCUMENTED, "There are fewer options than have to be chosen")
    if kind == CHANNELS:
        found |= kept(channel_types=form.items("channel_types", 20))
    return found


def _choices(form: Form) -> list[Json]:
    form.given("options", required=True)
    found, values = [], set()
    for each in form.forms("options", 25, 1):
        value = each.text("value", 100, 1, required=True)
        if value in values:
            each.wrong(
                "value", "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", "This value is used twice"
            )
        values.add(value)
        more = kept(emoji=each.given("emoji"), default=each.truth("default"))
        more |= kept(description=each.text("description", 100))
        found.append({"label": each.text("label", 100, 1, required=True), "value": value} | more)
    return found


def _line(form: Form) -> Json:
    """One line of a modal: a label with what it is about, or (the older form) a row with a text input."""
    kind = form.one_of("type", (ROW, LABEL), required=True)
    found = kept(type=kind, id=form.number("id", 0))
    if kind == ROW:
        return found | {
            "components": [_input(each, labelled=True) for each in form.forms("components", 1, 1)]
        }
    found |= kept(description=form.text("description", 100, 1))
    found["label"] = form.text("label", 45, 1, required=True)
    inner = form.form("component", required=True)
    return found | {"component": _in_label(inner) if inner else None}


def _in_label(form: Form) -> Json:
    kind = form.one_of("type", (TEXT, *SELECTS), required=True)
    if kind == TEXT:
        return _input(form)
    return _select(form, kind, in_modal=True) if kind else {}


def _input(form: Form, labelled: bool = False) -> Json:
    least, most = form.number("min_length", 0, 4000), form.number("max_length", 1, 4000)
    if least is not None and most is not None and least > most:
        form.wrong("min_length", UNDOCUMENTED, "min_length is more than max_length")
    found = kept(
        type=form.one_of("type", (TEXT,), required=True),
        id=form.number("id", 0),
        custom_id=form.text("custom_id", 100, 1, required=True),
        style=form.one_of("style", (1, 2), required=True),
        label=form.text("label", 45, 1, required=labelled),
        value=form.text("value", 4000),
        placeholder=form.text("placeholder", 100),
    )
    return found | {
        "min_length": 0 if least is None else least,
        "max_length": 4000 if most is None else most,
        "required": form.values.get("required") is not False,
    }
