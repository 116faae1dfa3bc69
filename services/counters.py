"""How many servers there are in which state, and what all runs and donations come to: counted, not searched for.

Each transaction that changes one of these changes its counter, too. A counter is spread over some items, the
shards, one of which is a member's, so that many members' transactions at once do not meet on one item.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal

from services.dynamodb import Attr, Item, Key, Operation, Table, absent

SHARDS = 16
_COUNTERS = "#counters"  # no user's id begins so
_MONTHS = "#endings"
WHY = "why:"  # before the cause of an end that nobody asked for
Amount = int | Decimal


class Counters(Table):
    """Reads and writes of the counters, in the table of the ledger."""

    def __init__(self, name: str) -> None:
        super().__init__(name, "account", "entry")

    def count(self, user_id: str, changes: Mapping[str, Amount]) -> Operation:
        """The operation that adds to what is counted."""
        return self.update((_COUNTERS, shard_of(user_id)), None, {}, add={**changes, "version": 1})

    def count_in(self, month: str, about: str, changes: Mapping[str, Amount]) -> Operation:
        """The operation that adds to what a month comes to: `cost` and `donated` in USD, ends of runs by what ended
        them and, after WHY, by the cause that was found.

        `about` is whom or what it concerns.
        """
        return self.update((_MONTHS, f"{month}:{shard_of(about)}"), None, {}, add=changes)

    def read(self) -> dict[str, Amount]:
        """All counters. One consistent read, whatever is counted."""
        return _summed(self.shards().values())

    def month(self, month: str) -> dict[str, Amount]:
        """What a month has come to so far. One read, whatever is counted."""
        key = Key("account").eq(_MONTHS) & Key("entry").begins_with(f"{month}:")
        return _summed(self.query(None, key))

    def shards(self) -> dict[str, Item]:
        """The counters shard by shard, as they are stored."""
        return {item["entry"]: item for item in self.query(None, Key("account").eq(_COUNTERS))}

    def correct(self, shard: str, found: Item | None, wanted: Mapping[str, Amount]) -> Operation:
        """The operation that gives a shard, which is still as it was `found`, other figures."""
        version = found["version"] if found else 0
        same = Attr("version").eq(version) if found else absent("version")
        item = {"account": _COUNTERS, "entry": shard, "version": version + 1, **wanted}
        return self.put(item, same)


def shard_of(user_id: str) -> str:
    """The shard that counts what a user does: always the same one."""
    digest = hashlib.sha256(user_id.encode()).digest()
    return f"{digest[0] % SHARDS:02}"


def figures(item: Mapping[str, Amount]) -> dict[str, Amount]:
    """What a shard counts, without its key and version."""
    return {n: v for n, v in item.items() if n not in ("account", "entry", "version") and v}


def _summed(items: Iterable[Item]) -> dict[str, Amount]:
    total: Counter[str] = Counter()
    for item in items:
        total.update(figures(item))
    return dict(total)
