"""docs/proof.md: what the long proofs found, written by `make prove`.

A proof, at any size, ends with its figures under a heading that it shares with others of its kind:

    proof.record("Many at once", "50 starts for one user: 1 task, 49 refusals", cases=50)

They are printed at the end of every test run. When the proofs at full size were run and all have passed,
tests/conftest.py calls `write`: headings that were recorded get the new lines, in the order in which they
came; all others keep theirs, so that running some proofs (`pytest -m prove tests/faults`) loses nothing.
"""

from __future__ import annotations

import os
import platform
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

DOCUMENT = Path(__file__).parents[1] / "docs" / "proof.md"


@dataclass
class Figures:
    """What was found under one heading, and in how many cases."""

    lines: list[str] = field(default_factory=list)
    cases: int = 0


_recorded: dict[str, Figures] = defaultdict(Figures)


def record(section: str, line: str, cases: int = 0) -> None:
    """Note what a proof found, in one line under the heading `section`; `cases` are added up there."""
    _recorded[section].lines.append(line)
    _recorded[section].cases += cases


def summary() -> Iterator[str]:
    """What was recorded in this run, to be printed."""
    for section, figures in sorted(_recorded.items()):
        yield f"{section}: {_total(figures)}"
        yield from (f"  {line}" for line in figures.lines)


def write() -> None:
    """Rewrite the document with what was recorded, if anything was."""
    if not _recorded:
        return
    sections = _sections(DOCUMENT.read_text(encoding="utf-8")) if DOCUMENT.exists() else {}
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    for section, figures in _recorded.items():
        lines = "\n".join(f"- {line}" for line in figures.lines)
        sections[section] = f"{today}, {_machine()}: {_total(figures)}\n\n{lines}"
    head = (
        f"# Proof\n\nWritten by `make prove`, last on {today} on a machine with {_machine()}. All that is"
        " named here passed; `make test` runs the same at a small size."
    )
    parts = [f"## {section}\n\n{text}" for section, text in sorted(sections.items())]
    DOCUMENT.write_text("\n\n".join([head, *parts]) + "\n", encoding="utf-8")


def _total(figures: Figures) -> str:
    return f"{figures.cases:,} cases" if figures.cases else "passed"


def _machine() -> str:
    return f"{os.cpu_count()} cores and Python {platform.python_version()}"


def _sections(text: str) -> dict[str, str]:
    parts = re.split(r"^## (.+)$", text, flags=re.MULTILINE)[1:]
    return {name.strip(): body.strip() for name, body in zip(parts[::2], parts[1::2], strict=True)}
