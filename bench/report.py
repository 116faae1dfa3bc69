"""How the figures are shown."""

from __future__ import annotations

import sys
from collections.abc import Sequence


def progress(what: str) -> None:
    """Say what is being done; not among the figures, which alone go to stdout."""
    print(what, file=sys.stderr, flush=True)


def against(figure: float, aim: float) -> str:
    """How a figure stands to the aim that it should not exceed."""
    return f"aim at most {aim:g}: {'ok' if figure <= aim else 'SHORT OF AIM'}"


def at_least(figure: float, aim: float) -> str:
    """How a figure stands to the aim that it should reach."""
    return f"aim at least {aim:g}: {'ok' if figure >= aim else 'SHORT OF AIM'}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Rows as columns; the first column is text, the others but the last are figures."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        figures = (cell.rjust(width) for cell, width in zip(row[1:-1], widths[1:-1], strict=True))
        lines.append("  ".join([row[0].ljust(widths[0]), *figures, row[-1]]).rstrip())
    return "\n".join(lines)
