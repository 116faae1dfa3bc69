"""Text as Discord shows it (Reference, Message Formatting)."""

from __future__ import annotations

import re

_MARKS = re.compile(r"([\\*_~`|>#\[\]()<@:-])")


def plain(text: str) -> str:
    """Text of somebody's as it is, whatever marks of Discord's are in it; it mentions nobody and links nowhere."""
    return _MARKS.sub(r"\\\1", text)


def moment(seconds: float) -> str:
    """A moment as each reader's Discord shows it, and how far away it is."""
    return f"<t:{int(seconds)}:F> (<t:{int(seconds)}:R>)"
