"""Conditions on DynamoDB's items, written as Python: `Attr("status").eq("stopped") & Attr("worker").not_exists()`.

They are written as in boto3, which is not used for them: with it, and all that it imports besides, a cold
start would take a fifth longer (make bench).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Condition:
    """A condition in DynamoDB's words, with a {} for each of `values`; `#name` stands for an attribute."""

    text: str
    names: frozenset[str]
    values: tuple[Any, ...] = ()

    def __and__(self, other: Condition) -> Condition:
        return self._with("AND", other)

    def __or__(self, other: Condition) -> Condition:
        return self._with("OR", other)

    def _with(self, word: str, other: Condition) -> Condition:
        text = f"({self.text} {word} {other.text})"
        return Condition(text, self.names | other.names, self.values + other.values)

    @property
    def expression(self) -> str:
        """The condition as DynamoDB takes it; `attributes` and `operands` belong to it."""
        return self.text.format(*self.operands)

    @property
    def attributes(self) -> dict[str, str]:
        """The attributes' names by their placeholders."""
        return {f"#{name}": name for name in self.names}

    @property
    def operands(self) -> dict[str, Any]:
        """The values by their placeholders."""
        return {f":c{i}": value for i, value in enumerate(self.values)}


@dataclass(frozen=True)
class Attr:
    """An attribute of the item that a write finds."""

    name: str

    def eq(self, value: Any) -> Condition:
        """It is there and is `value`."""
        return self._compared("=", value)

    def lt(self, value: Any) -> Condition:
        """It is there and less than `value`."""
        return self._compared("<", value)

    def lte(self, value: Any) -> Condition:
        """It is there and not more than `value`."""
        return self._compared("<=", value)

    def between(self, least: Any, most: Any) -> Condition:
        """It is there and neither less than `least` nor more than `most`."""
        return self._condition(f"#{self.name} BETWEEN {{}} AND {{}}", least, most)

    def is_in(self, values: Sequence[Any]) -> Condition:
        """It is there and one of `values`."""
        places = ", ".join("{}" for _ in values)
        return self._condition(f"#{self.name} IN ({places})", *values)

    def begins_with(self, text: str) -> Condition:
        """It is there and is text that begins with `text`."""
        return self._condition(f"begins_with(#{self.name}, {{}})", text)

    def exists(self) -> Condition:
        """It is there."""
        return self._condition(f"attribute_exists(#{self.name})")

    def not_exists(self) -> Condition:
        """It, or the item itself, is not there."""
        return self._condition(f"attribute_not_exists(#{self.name})")

    def _compared(self, operator: str, value: Any) -> Condition:
        return self._condition(f"#{self.name} {operator} {{}}", value)

    def _condition(self, text: str, *values: Any) -> Condition:
        return Condition(text, frozenset({self.name}), values)


class Key(Attr):
    """An attribute of an index's key, for a query."""
