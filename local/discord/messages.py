"""The rules of messages.

Sources: Message Resource, Create Message, Edit Message, Embed Limits, Allowed Mentions Object, Message Flags;
Webhook Resource, Execute / Edit Webhook Message; Receiving and Responding, Messages (which flags); Discord's
OpenAPI document (`MessageCreateRequest`, `IncomingWebhookInteractionRequest`, `RichEmbed`).

Not found: what is said of a flag that cannot be set; it is refused. Not played: files, stickers, polls,
references, and IS_COMPONENTS_V2.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from local.discord.answers import UNDOCUMENTED, Errors, Form, Json, kept, refusal
from local.discord.components import rows
from local.discord.guild import MENTION_EVERYONE, Guild

LONGEST = 2000
SUPPRESS_EMBEDS, EPHEMERAL, LOADING, QUIET, LAYOUT = 1 << 2, 1 << 6, 1 << 7, 1 << 12, 1 << 15
_EMBED = {"title": 256, "description": 4096}
_WHOLE = 6000  # characters of all embeds together
_KINDS = ("users", "roles", "everyone")
_NOT_PLAYED = ("attachments", "sticker_ids", "poll", "message_reference", "shared_client_theme")


@dataclass(frozen=True)
class Where:
    """How a message is sent: which flags it may have, and what it mentions if nothing is said of that."""

    flags: int
    mentions: tuple[str, ...]


IN_CHANNEL = Where(SUPPRESS_EMBEDS | QUIET, _KINDS)
IN_ANSWER = Where(SUPPRESS_EMBEDS | QUIET | EPHEMERAL, ("users",))
EDITING = Where(SUPPRESS_EMBEDS, _KINDS)
EDITING_ANSWER = Where(SUPPRESS_EMBEDS, ("users",))


def judged(body: Any, where: Where, guild: Guild, before: Json | None = None) -> Json:
    """What a message becomes, of fields that are given; refused if it breaks a rule or is empty."""
    errors = Errors()
    found = fields(Form.of(body, errors), where, guild, before)
    errors.refuse()
    if empty({**(before or {}), **found}):
        raise refusal(50006)
    return found


def empty(message: Json) -> bool:
    """Whether there is nothing to see."""
    return not (message.get("content") or message.get("embeds") or message.get("components"))


def fields(form: Form, where: Where, guild: Guild, before: Json | None = None) -> Json:
    """The fields of a message that are given, as Discord keeps them; with one before, null takes away."""
    old = before or {}
    readers: dict[str, Callable[[], Any]] = {
        "content": partial(_content, form),
        "embeds": partial(_embeds, form),
        "components": partial(rows, form),
        "flags": partial(_flags, form, where, before),
    }
    found: Json = {} if before is not None else {"tts": form.truth("tts")}
    for name, read in readers.items():
        if before is None or name in form.values:
            found[name] = read()
    for name in _NOT_PLAYED:
        if form.given(name):
            form.wrong(name, UNDOCUMENTED, "The played Discord knows nothing of this")
    if "content" in found or "allowed_mentions" in form.values:
        text = str(found.get("content", old.get("content", "")))
        found |= _mentions(form, text, where, guild)
    return found


def _content(form: Form) -> str:
    return (form.text("content", LONGEST) or "").strip()


def _flags(form: Form, where: Where, before: Json | None) -> int:
    flags = int(form.number("flags", 0) or 0)
    refused = flags & ~where.flags
    if before is not None:
        # Edit Message: "unsupported flag changes are currently ignored without error".
        refused = flags & LAYOUT
        flags = flags & where.flags | before.get("flags", 0) & ~where.flags
    if refused:
        form.wrong("flags", UNDOCUMENTED, f"The flags {refused} cannot be set here")
    return flags


def _embeds(form: Form) -> list[Json]:
    forms = form.forms("embeds", 10)
    found = [_embed(each) for each in forms]
    if sum(map(_size, found)) > _WHOLE:
        words = f"Embed size exceeds maximum size of {_WHOLE}"
        form.wrong("embeds", "MAX_EMBED_SIZE_EXCEEDED", words)
    return found


def _trimmed(form: Form, name: str, most: int, required: bool = False) -> str | None:
    """Embed Limits: "Leading and trailing whitespace characters are not included (they are trimmed)"."""
    value = form.values.get(name)
    if isinstance(value, str):
        form = Form(form.errors, form.at, form.values | {name: value.strip()})
    return form.text(name, most, required=required)


def _embed(form: Form) -> Json:
    found: Json = {"type": "rich"}
    for name, most in _EMBED.items():
        found |= kept(**{name: _trimmed(form, name, most)})
    found |= kept(url=form.text("url", 2048), timestamp=form.given("timestamp"))
    color = form.number("color", 0, 0xFFFFFF)
    found |= {} if color is None else {"color": color}
    lines = [
        {
            "name": _trimmed(each, "name", 256, required=True),
            "value": _trimmed(each, "value", 1024, required=True),
            "inline": each.truth("inline"),
        }
        for each in form.forms("fields", 25)
    ]
    footer, author = form.form("footer"), form.form("author")
    found |= kept(fields=lines, image=form.given("image"), thumbnail=form.given("thumbnail"))
    if footer:
        found["footer"] = footer.values | kept(text=_trimmed(footer, "text", 2048, required=True))
    if author:
        found["author"] = author.values | kept(name=_trimmed(author, "name", 256, required=True))
    if found == {"type": "rich"}:
        form.wrong("description", "BASE_TYPE_REQUIRED", "This field is required")
    return found


def _size(embed: Json) -> int:
    texts = [embed.get("title"), embed.get("description")]
    texts += [embed.get("footer", {}).get("text"), embed.get("author", {}).get("name")]
    for line in embed.get("fields", []):
        texts += [line["name"], line["value"]]
    return sum(len(text) for text in texts if isinstance(text, str))


def _mentions(form: Form, text: str, where: Where, guild: Guild) -> Json:
    """Who is told of a message: whom it names, as far as that is allowed."""
    allowed = form.form("allowed_mentions")
    parse = set(where.mentions if allowed is None else _parsed(allowed))
    listed = {name: _listed(allowed, name, parse) for name in ("users", "roles")}
    loud = bool(guild.bot_permissions & MENTION_EVERYONE)

    def told(name: str, ident: str) -> bool:
        return name in parse or ident in listed[name]

    users = [each for each in re.findall(r"<@!?(\d+)>", text) if each in guild.members]
    roles = [guild.roles[each] for each in re.findall(r"<@&(\d+)>", text) if each in guild.roles]
    return {
        "mentions": [
            guild.members[each].user() for each in dict.fromkeys(users) if told("users", each)
        ],
        "mention_roles": [
            role.id
            for role in dict.fromkeys(roles)
            if told("roles", role.id) and (role.mentionable or loud)
        ],
        "mention_everyone": "everyone" in parse
        and loud
        and bool(re.search("@(everyone|here)", text)),
    }


def _parsed(allowed: Form) -> list[str]:
    found = []
    for each in allowed.items("parse", 3):
        if each not in _KINDS:
            words = f"Value must be one of {_KINDS}."
            allowed.wrong("parse", "BASE_TYPE_CHOICES", words)
        found.append(str(each))
    return found


def _listed(allowed: Form | None, name: str, parse: set[str]) -> list[str]:
    found = [str(each) for each in allowed.items(name, 100)] if allowed else []
    if allowed and found and name in parse:
        words = f'parse:["{name}"] and {name}: [ids...] are mutually exclusive.'
        allowed.errors.add(allowed.at, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", words)
    return found
