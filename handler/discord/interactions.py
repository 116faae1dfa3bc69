"""What Discord posts, as far as it matters here (Discord, Receiving and Responding to Interactions)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum
from typing import Any

from pydantic import BaseModel, Field


class Kind(IntEnum):
    """Of an interaction."""

    PING = 1
    COMMAND = 2
    BUTTON = 3
    TYPING = 4
    FORM = 5


class User(BaseModel):
    """Somebody at Discord."""

    id: str
    username: str = ""
    global_name: str | None = None


class Member(BaseModel):
    """That somebody in the guild."""

    user: User
    nick: str | None = None
    roles: list[str] = []

    @property
    def name(self) -> str:
        """What the guild calls them."""
        return self.nick or self.user.global_name or self.user.username


class Given(BaseModel):
    """A subcommand with its options, or an option with its value."""

    name: str
    value: str | int | float | bool | None = None
    focused: bool = False  # it is being typed
    options: list[Given] = []


class Chosen(BaseModel):
    """A channel that was chosen, and what who chose it may do there."""

    permissions: str = "0"


class Resolved(BaseModel):
    """What options name by ids."""

    channels: dict[str, Chosen] = {}


class Data(BaseModel):
    """What was asked for: a command's `name` and `options`; of a button or a form its `custom_id`."""

    name: str = ""
    options: list[Given] = []
    custom_id: str = ""
    resolved: Resolved = Resolved()
    components: list[Any] = []  # of a form, with what was typed

    def command(self) -> tuple[str, dict[str, Any]]:
        """A command's path, such as `server start`, and its options' values."""
        path, options = [self.name], self.options
        while len(options) == 1 and options[0].value is None:
            path.append(options[0].name)
            options = options[0].options
        return " ".join(path), {option.name: option.value for option in options}

    def focused(self) -> Given | None:
        """The option that is being typed."""
        return next((option for option in _all(self.options) if option.focused), None)

    def typed(self) -> dict[str, str]:
        """What was typed into a form, field by field; what was left empty is left out."""
        found = {str(c["custom_id"]): str(c["value"]) for c in _inputs(self.components)}
        return {name: text for name, value in found.items() if (text := value.strip())}


def _all(options: list[Given]) -> Iterator[Given]:
    for option in options:
        yield option
        yield from _all(option.options)


def _inputs(components: Any) -> Iterator[dict[str, Any]]:
    """The fields of a form, wherever in it they are; who has made it may have made it odd."""
    for component in components if isinstance(components, list) else ():
        if not isinstance(component, dict):
            continue
        if "value" in component and "custom_id" in component:
            yield component
        yield from _inputs(component.get("components"))
        yield from _inputs([component.get("component")])


class Interaction(BaseModel):
    """One request of Discord's. In a guild it names the member; whoever it names is who did it: Discord says so."""

    id: str = Field(pattern=r"^[0-9]{1,20}$")
    type: Kind
    token: str = ""
    guild_id: str = ""
    locale: str | None = None
    member: Member | None = None
    data: Data = Data()
