"""How EventFlow writes answers: names with underscores, times as text."""

from __future__ import annotations

from datetime import UTC, datetime

from pydantic.alias_generators import to_snake

from actions.action import Answer


def moment(seconds: int) -> str:
    """Unix seconds as the contract writes times: 2025-11-08T10:30:00Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def in_snake_case(found: Answer) -> Answer:
    """An answer's fields as the contract writes them."""
    return {
        to_snake(name): moment(value) if name.endswith("At") else value
        for name, value in found.items()
    }
