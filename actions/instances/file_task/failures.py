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
    "unexpected": "Something went wrong that is not known.",
}


class Failed(Exception):
    """The order cannot be carried out; `word` is one of MESSAGES."""

    def __init__(self, word: str, detail: str = "") -> None:
        super().__init__(f"{MESSAGES[word]} {detail}".strip())
        self.word = word


class Stopped(BaseException):
    """SIGTERM came."""
