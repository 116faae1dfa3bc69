"""What a failed test shows: the fields that differ, and of the function's log only what was refused or failed."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

ABSENT = "(absent)"
_FOREIGN = re.compile(
    r'  File "[^"]*site-packages.*\n(?:    .*\n)*'
)  # a traceback's lines of libraries


def differing(left: Any, right: Any, path: str = "") -> Iterator[str]:
    """One line for each place in which two answers differ: `sessions[0].status: 'running' != 'completed'`."""
    if isinstance(left, dict) and isinstance(right, dict):
        for name in {**left, **right}:
            inner = f"{path}.{name}" if path else str(name)
            yield from differing(left.get(name, ABSENT), right.get(name, ABSENT), inner)
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        for number, (one, other) in enumerate(zip(left, right, strict=True)):
            yield from differing(one, other, f"{path}[{number}]")
    elif left != right:
        yield f"{path}: {_shown(left)} != {_shown(right)}"


def _shown(value: Any) -> str:
    return value if value is ABSENT else repr(value)


def only_troubles(log: str) -> str:
    """What was printed, but of the function's log only what was refused or failed, in a readable form."""
    return "".join(_line(line) for line in log.splitlines(keepends=True))


def _line(line: str) -> str:
    try:
        said = json.loads(line)
    except ValueError:
        return line
    if not isinstance(said, dict) or not {"level", "message"} <= said.keys():
        return line
    if said["level"] in ("DEBUG", "INFO") and "errorCode" not in said["details"]:
        return ""
    details = "".join(f"  {name}: {value}\n" for name, value in said["details"].items())
    details = _FOREIGN.sub("", details)
    return f"{said['level']} {said['message']} (action {said['action']})\n{details}"


def shorten(sections: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """A report's sections of captured output without what says nothing of the failure."""
    cut = [(name, only_troubles(text)) for name, text in sections]
    return [(name, text) for name, text in cut if text.strip()]


def compared(op: str, left: object, right: object) -> list[str] | None:
    """Of two answers, or two lists of them, where they differ; None of anything else, which pytest words."""
    if op != "==" or type(left) is not type(right) or not isinstance(left, dict | list):
        return None
    lines = list(differing(left, right))
    if any(
        line.startswith(": ") for line in lines
    ):  # lists of different lengths: pytest says which
        return None
    return ["they differ in", *(f"  {line}" for line in lines)]
