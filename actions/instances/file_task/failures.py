"""What an order may fail of, and what ends a task."""

from __future__ import annotations

# What failures are called, and what is said of them to members.
MESSAGES = {
    "no-space": "There is not enough room to do it.",
    "no-repository": "There are no saves of this server.",
    "wrong-password": "The saves are locked by another password.",
    "no-such-save": "There is no such save.",
    "no-such-part": "The save holds nothing of that name.",
    "unreachable": "The place of the saves or the assets cannot be reached.",
    "unreadable": "Some files cannot be read, so they cannot be saved.",
    "damaged": "The saves are damaged.",
    "no-tools": "The programs that keep the saves are missing.",
    "no-such-upload": "There is no such upload.",
    "no-archive": "What was uploaded is no zip or tar that can be read.",
    "unsafe": "What was uploaded holds what may not be unpacked.",
    "too-big": "What was uploaded is too big.",
    "nothing-found": "No world, system or module was found in what was uploaded.",
    "unexpected": "Something went wrong that is not known.",
}


class Failed(Exception):
    """The order cannot be carried out; `word` is one of MESSAGES."""

    def __init__(self, word: str, detail: str = "") -> None:
        super().__init__(f"{MESSAGES[word]} {detail}".strip())
        self.word = word


class Refused(Failed):
    """What a member has uploaded cannot be taken; why is said with it, names as the archive has them."""

    def __init__(self, word: str, detail: str = "") -> None:
        super().__init__(word)
        self.detail = "".join(
            c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in detail
        )[:200]


class Stopped(BaseException):
    """SIGTERM came."""
