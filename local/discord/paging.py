"""Parts of long lists. Sources: API Reference, Snowflake IDs in Pagination, and the query of each endpoint."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from local.discord.answers import Errors, Form

_T = TypeVar("_T")


@dataclass(frozen=True)
class Page:
    """Which part is asked for."""

    limit: int
    before: int | None
    after: int | None

    @classmethod
    def of(cls, query: Mapping[str, str], usual: int) -> Page:
        """As a query says it; refused if it cannot be understood."""
        errors = Errors()
        names = ("limit", "before", "after")
        values = {name: _number(query[name]) for name in names if name in query}
        form = Form(errors, (), values)
        limit = form.number("limit", 1, 100)
        before, after = form.number("before", 0, 2**63), form.number("after", 0, 2**63)
        errors.refuse()
        return cls(
            usual if limit is None else int(limit),
            None if before is None else int(before),
            None if after is None else int(after),
        )

    def part(self, items: Iterable[_T], ident: Callable[[_T], str]) -> list[_T]:
        """That part, in the order of the ids; `before` is stronger than `after`."""
        found = sorted(items, key=lambda each: int(ident(each)))
        if self.before is not None:
            return [each for each in found if int(ident(each)) < self.before][-self.limit :]
        if self.after is not None:
            return [each for each in found if int(ident(each)) > self.after][: self.limit]
        return found


def _number(text: str) -> int | str:
    return int(text) if text.isdecimal() else text
