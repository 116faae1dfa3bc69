"""Values as DynamoDB writes them: each with its type, `{"S": "text"}`."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any


def serialize(value: Any) -> dict[str, Any]:
    """A value in DynamoDB's form; raises TypeError for what the tables do not hold, such as a float."""
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int() | Decimal():
            return {"N": format(value, "f") if isinstance(value, Decimal) else str(value)}
        case Mapping():
            return {"M": {name: serialize(member) for name, member in value.items()}}
        case list() | tuple():
            return {"L": [serialize(member) for member in value]}
    raise TypeError(f"DynamoDB's tables hold no {type(value).__name__}")


def deserialize(stored: Mapping[str, Any]) -> Any:
    """The value that DynamoDB wrote as `stored`. Whole numbers are int; Decimal is kept for money."""
    ((kind, value),) = stored.items()
    match kind:
        case "N":
            return int(value) if value.removeprefix("-").isdecimal() else Decimal(value)
        case "M":
            return {name: deserialize(member) for name, member in value.items()}
        case "L":
            return [deserialize(member) for member in value]
        case "NULL":
            return None
    return value
