"""How Discord shows an action: each says so by itself, beside its request and its scope."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

OF_CREW = {"user_id": "Whose table, if it is not yours"}


@dataclass(frozen=True)
class Command:
    """What a command says that it does, and what it asks for: fields of the request, with words for each.

    Fields that it does not name keep their defaults; where it names `user_id`, a table's crew may have it done.
    What is secret, or somebody's own affair, is asked for in a `form` and never as an option, which Discord shows
    while it is typed and keeps on the machine. A command is answered `at_once` where what it does is read from
    tables alone: Discord waits three seconds.
    """

    says: str
    options: Mapping[str, str] = field(default_factory=dict)
    form: Mapping[str, str] = field(default_factory=dict)
    at_once: bool = False
    warns: str = ""  # what is said before it is done; only who then presses the button has it done
