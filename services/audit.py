"""The table of what administrators did: who, what, whom, when and why, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NotRequired, TypedDict, cast

from services.dynamodb import Attr, Key, Operation, Table


class Entry(TypedDict):
    """One administrative action. `outcome` is "asked" until it is known; then "done" or an error's code.

    `userId` is who did it: over HTTP whose token it was. `onBehalfOf` is whom the order named, if another.
    """

    month: str
    entry: str
    at: int
    userId: str
    action: str
    outcome: str
    onBehalfOf: NotRequired[str]
    about: NotRequired[str]
    reason: NotRequired[str]
    details: NotRequired[dict[str, Any]]


class Audit(Table):
    """Writes and reads of entries, month by month."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "month", "entry")

    def note(self, entry: Entry) -> Operation:
        """The operation that notes an action before it is carried out."""
        return self.put(entry)

    def close(self, entry: Entry, outcome: str) -> Operation:
        """The operation that notes what came of it."""
        return self.update(
            (entry["month"], entry["entry"]), Attr("entry").exists(), {"outcome": outcome}
        )

    def latest(self, month: str, limit: int, before: str | None = None) -> Iterator[Entry]:
        """The entries of a month, the latest first; only those before the entry `before`, if one is named."""
        key = Key("month").eq(month)
        key = key & Key("entry").lt(before) if before else key
        items = self.query(None, key, limit, descending=True)
        return (cast("Entry", item) for item in items)
