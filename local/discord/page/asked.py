"""What the page asks, read as what it may be."""

from __future__ import annotations

from typing import Any

from local.discord.guild import Channel, Member
from local.discord.playing import Discord

DIRECT = "direct"  # the place where the bot and a person talk


class Odd(Exception):
    """The page asks nothing of the kind."""


class Asked:
    """A question's fields."""

    def __init__(self, discord: Discord, fields: Any) -> None:
        if not isinstance(fields, dict):
            raise Odd("This is no object.")
        self._discord, self._fields = discord, fields

    def text(self, name: str) -> str:
        """A text; empty if it is not there."""
        found = self._fields.get(name, "")
        if not isinstance(found, str):
            raise Odd(f"{name} is no text.")
        return found

    def values(self, name: str) -> dict[str, str]:
        """Texts by their names."""
        found = self._fields.get(name, {})
        if not isinstance(found, dict) or not all(isinstance(one, str) for one in found.values()):
            raise Odd(f"{name} are no texts.")
        return dict(found)

    def texts(self, name: str) -> list[str]:
        """A list of texts."""
        found = self._fields.get(name, [])
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise Odd(f"{name} is no list of texts.")
        return list(found)

    @property
    def who(self) -> Member:
        """Whom somebody plays."""
        found = self._discord.guild.members.get(self.text("who"))
        if found is None or not found.here:
            raise Odd("There is nobody of this id.")
        return found

    @property
    def place(self) -> Channel:
        """Where they are."""
        ident = self.text("place")
        if ident == DIRECT:
            return self._discord.guild.direct(self.who)
        found = self._discord.guild.channels.get(ident)
        if found is None or found.recipient:
            raise Odd("There is no such channel.")
        return found
