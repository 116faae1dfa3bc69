"""Text as Discord shows it (Reference, Message Formatting)."""

from __future__ import annotations

import re
from unicodedata import category

from actions.action import DISCORD_ID

_MARKS = re.compile(r"([\\*_~`|>#\[\]()<@])")


def plain(text: str) -> str:
    """Text of somebody's as it is, whatever marks of Discord's are in it: it mentions nobody and links nowhere.

    It stays in its line, and turns no other text around.
    """
    return own(text).replace("://", "\\://")


def own(text: str) -> str:
    """Text of the platform's, in which an address is a link."""
    shown = (" " if category(c)[0] in "CZ" else c for c in text)
    return _MARKS.sub(r"\\\1", "".join(shown))


def member(user_id: str) -> str:
    """A member as Discord shows them; of another user of the platform, the name."""
    return f"<@{user_id}>" if DISCORD_ID.fullmatch(user_id) else plain(user_id)


def moment(seconds: float) -> str:
    """A moment as each reader's Discord shows it, and how far away it is."""
    return f"<t:{int(seconds)}:F> (<t:{int(seconds)}:R>)"
