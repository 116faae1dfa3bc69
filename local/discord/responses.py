"""What an application may answer to an interaction.

Sources: Receiving and Responding, Interaction Response Object, Interaction Callback Type, Messages, Autocomplete,
Modal, Interaction Callback (three seconds); Interactions Overview, Setting Up an Endpoint.
"""

from __future__ import annotations

import json
from typing import Any

from local.discord.answers import UNDOCUMENTED, Errors, Form, Json, Refused, refusal
from local.discord.commands import choice
from local.discord.components import modal
from local.discord.guild import Guild
from local.discord.messages import EDITING_ANSWER, EPHEMERAL, IN_ANSWER, empty, fields

PING, COMMAND, COMPONENT, AUTOCOMPLETE, MODAL_SUBMIT = range(1, 6)
PONG, MESSAGE, THINKING, LATER, UPDATE, CHOICES, MODAL = 1, 4, 5, 6, 7, 8, 9
SECONDS = 3.0  # until a person is told that the application did not respond

_ANSWERS = {
    PING: (PONG,),
    COMMAND: (MESSAGE, THINKING, MODAL),
    COMPONENT: (MESSAGE, THINKING, LATER, UPDATE, MODAL),
    AUTOCOMPLETE: (CHOICES,),
    MODAL_SUBMIT: (MESSAGE, THINKING),
}


class Odd(Exception):
    """An answer that Discord does not take, and why."""


def understood(status: int, body: bytes, took: float) -> Json:
    """The JSON of an HTTP answer that came in time."""
    if took > SECONDS:
        raise Odd(f"It took {took:.1f} seconds.")
    if not 200 <= status < 300:
        raise Odd(f"Its status was {status}.")
    try:
        found = json.loads(body)
    except ValueError:
        raise Odd("It was no JSON.") from None
    if not isinstance(found, dict):
        raise Odd("It was no JSON object.")
    return found


def judged(answer: Json, kind: int, guild: Guild, before: Json | None, option: int = 3) -> Json:
    """An answer's data, as Discord keeps it; raises Odd.

    `before` is the message that the interaction came from, if it came from one; `option` the kind of option that is
    being autocompleted.
    """
    takes = _ANSWERS[kind] + ((LATER, UPDATE) if kind == MODAL_SUBMIT and before else ())
    if answer.get("type") not in takes or isinstance(answer.get("type"), bool):
        raise Odd(f"Its type is {answer.get('type')!r}, which is none of {takes}.")
    errors = Errors()
    form = Form(errors, (), answer)
    data = form.form("data", required=answer["type"] in (MESSAGE, CHOICES, MODAL))
    try:
        found = _data(answer["type"], data or Form(errors, ("data",), {}), guild, before, option)
        errors.refuse()
        whole = {**(before or {}), **found} if answer["type"] == UPDATE else found
        if answer["type"] in (MESSAGE, UPDATE) and empty(whole):
            raise refusal(50006)
    except Refused as refused:
        raise Odd(str(refused)) from None
    return found


def _data(kind: int, data: Form, guild: Guild, before: Json | None, option: int) -> Json:
    if kind == MESSAGE:
        return fields(data, IN_ANSWER, guild)
    if kind == UPDATE:
        return fields(data, EDITING_ANSWER, guild, before or {})
    if kind == THINKING:
        flags = int(data.number("flags", 0) or 0)
        if flags & ~EPHEMERAL:
            data.wrong("flags", UNDOCUMENTED, "What is answered later is ephemeral or nothing")
        return {"flags": flags}
    if kind == CHOICES:
        return {"choices": _choices(data, option)}
    return modal(data) if kind == MODAL else {}


def _choices(data: Form, option: int) -> list[Any]:
    found = []
    for each in data.forms("choices", 25):
        made = choice(each, option)
        found.append({"name": made["name"], "value": made["value"]})
    return found
