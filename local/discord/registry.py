"""The commands that an application has registered in the guild.

Sources: Application Commands, Registering a Command (100 of a kind, 200 creates a day), Create / Edit / Delete
/ Bulk Overwrite Guild Application Command. That `version` changes only with the command is "updated during
substantial record changes"; which changes are substantial is not said: here, all are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from local.discord.answers import Errors, Form, Json, Refused, refusal
from local.discord.commands import command
from local.discord.guild import Snowflakes

MOST = {1: 100, 2: 15, 3: 15}  # of a kind, in a guild
CREATES = 200  # a day
DAY = 86_400


@dataclass
class Registry:
    """Commands by their ids, as the API shows them, with all that may be left out."""

    application_id: str
    guild_id: str
    ids: Snowflakes
    now: Callable[[], float]
    commands: dict[str, Json] = field(default_factory=dict)
    created: list[float] = field(default_factory=list)

    def listed(self, localized: bool) -> list[Json]:
        """All of them. Localizations are left out unless they are asked for."""
        return [self.shown(each, localized) for each in self.commands.values()]

    def get(self, ident: str) -> Json:
        """One of them."""
        if ident not in self.commands:
            raise refusal(10063)
        return self.commands[ident]

    def called(self, name: str, kind: int = 1) -> Json | None:
        """That of a name."""
        found = [
            each for each in self.commands.values() if (each["name"], each["type"]) == (name, kind)
        ]
        return found[0] if found else None

    def create(self, body: Any) -> tuple[int, Json]:
        """Make a command, or overwrite the one of that name: 201 or 200."""
        made = _judged(body)
        before = self.called(made["name"], made["type"])
        if before is None:
            self._room([*self.commands.values(), made], new=1)
        kept = self._keep(made, before)
        return (200 if before else 201), self.shown(kept)

    def edit(self, ident: str, body: Any) -> Json:
        """Change what is given."""
        before = self.get(ident)
        errors = Errors()
        made = command(Form.of(body, errors), {name: before[name] for name in _fields(before)})
        other = self.called(made["name"], made["type"])
        if other and other["id"] != ident:
            errors.add(("name",), "APPLICATION_COMMANDS_DUPLICATE_NAME", _UNIQUE)
        errors.refuse()
        return self.shown(self._keep(made, before))

    def delete(self, ident: str) -> None:
        """Forget a command."""
        self.get(ident)
        del self.commands[ident]

    def overwrite(self, body: Any) -> list[Json]:
        """Have these commands and no others; those that are there by id or by name keep their ids."""
        made = _judged_all(body)
        befores = [self._before(each, given) for each, given in zip(made, body, strict=True)]
        self._room(made, new=befores.count(None))
        keeping = [self._keep(*pair) for pair in zip(made, befores, strict=True)]
        self.commands = {each["id"]: each for each in keeping}
        return [self.shown(each) for each in keeping]

    def shown(self, kept: Json, localized: bool = True) -> Json:
        """As the API shows a command."""
        found = {name: value for name, value in kept.items() if name != "options" or value}
        return found if localized else _without(found)

    def _before(self, made: Json, given: Json) -> Json | None:
        by_id = self.commands.get(str(given.get("id")))
        return by_id or self.called(made["name"], made["type"])

    def _keep(self, made: Json, before: Json | None) -> Json:
        if before and all(before[name] == made[name] for name in made):
            return before
        ident = before["id"] if before else self.ids.next()
        if not before:
            self.created.append(self.now())
        frame = {
            "id": ident,
            "application_id": self.application_id,
            "version": self.ids.next(),
            "guild_id": self.guild_id,
        }
        self.commands[ident] = frame | made
        return self.commands[ident]

    def _room(self, would_be: list[Json], new: int) -> None:
        for kind, most in MOST.items():
            if sum(each["type"] == kind for each in would_be) > most:
                raise refusal(30032)
        self.created = [each for each in self.created if each > self.now() - DAY]
        if len(self.created) + new > CREATES:
            wait = (self.created[0] if self.created else self.now()) + DAY - self.now()
            message = (
                f"Max number of daily application command creates has been reached ({CREATES})"
            )
            # Rate Limits: such a limit answers as the others do, and has a code besides.
            body = {"message": message, "code": 30034, "retry_after": wait, "global": False}
            raise Refused(429, body)


_UNIQUE = "Application command names must be unique"
_FRAME = ("id", "application_id", "version", "guild_id")


def _fields(kept: Json) -> list[str]:
    return [name for name in kept if name not in _FRAME]


def _judged(body: Any) -> Json:
    errors = Errors()
    made = command(Form.of(body, errors))
    errors.refuse()
    return made


def _judged_all(body: Any) -> list[Json]:
    errors = Errors()
    if not isinstance(body, list):
        errors.add((), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        errors.refuse()
    made = [command(Form.of(each, errors, (at,))) for at, each in enumerate(body)]
    seen: set[tuple[Any, Any]] = set()
    for at, each in enumerate(made):
        if (each["name"], each["type"]) in seen:
            errors.add((at,), "APPLICATION_COMMANDS_DUPLICATE_NAME", _UNIQUE)
        seen.add((each["name"], each["type"]))
    errors.refuse()
    return made


def _without(item: Any) -> Any:
    """The same without localizations."""
    if isinstance(item, list):
        return [_without(each) for each in item]
    if not isinstance(item, dict):
        return item
    return {
        name: _without(each) for name, each in item.items() if not name.endswith("_localizations")
    }
