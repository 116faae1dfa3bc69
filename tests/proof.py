"""docs/proof.md: what the long proofs found, written by `make prove`.

A proof, at any size, ends with its figures under a heading that it shares with others of its kind:

    proof.record("Many at once", "50 starts for one user: 1 task, 49 refusals", cases=50)

Proofs that share one piece of work say how much of it each did, and the sums are shown:

    proof.count("Any story", {"stories": 250, "runs billed": 1234})

What a test recorded goes with its report to the process that prints and writes, whichever process ran the test
(tests/conftest.py); so only figures of tests that passed get there. They are printed at the end of every run.
When the proofs at full size were run and all have passed, `write` gives headings that were recorded their new
lines; all others keep theirs. So run whole files (`pytest -m prove tests/faults`): of a part chosen by `-k` nothing
is written.
"""

from __future__ import annotations

import os
import platform
import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

DOCUMENT = Path(__file__).parents[1] / "docs" / "proof.md"
Note = dict[str, Any]  # one call of `record` or `count`, of values that can be sent


@dataclass
class Figures:
    """What was found under one heading: lines by the place of their tests, cases, and sums by name."""

    lines: list[tuple[int, str]] = field(default_factory=list)
    cases: int = 0
    sums: Counter[str] = field(default_factory=Counter)

    def add(self, note: Note, place: int) -> None:
        """Take up what the test at `place` noted."""
        self.cases += note["cases"]
        self.sums.update(note.get("sums", {}))
        if "line" in note:
            self.lines.append((place, note["line"]))

    def shown(self) -> list[str]:
        """The lines in the order of their tests, whichever ended first, and the sums."""
        ordered = sorted(self.lines, key=lambda line: line[0])
        return [line for _, line in ordered] + [f"{n:,} {what}" for what, n in self.sums.items()]


_noted: list[Note] = []  # in the test that runs
_found: dict[str, Figures] = defaultdict(Figures)  # in all tests that passed


def record(section: str, line: str, cases: int = 0) -> None:
    """Note what a proof found, in one line under the heading `section`; `cases` are added up there."""
    _noted.append({"section": section, "line": line, "cases": cases})


def count(section: str, sums: Mapping[str, int], cases: int = 0) -> None:
    """Note how much of everything a proof did; the sums over all proofs are shown, by name."""
    _noted.append({"section": section, "sums": dict(sums), "cases": cases})


def taken() -> list[Note]:
    """What the test that has run noted; the next one begins anew."""
    notes = list(_noted)
    _noted.clear()
    return notes


def keep(notes: list[Note], place: int) -> None:
    """Take up what a test noted that has passed; `place` is its own among all tests."""
    for note in notes:
        _found[note["section"]].add(note, place)


def summary() -> Iterator[str]:
    """What was recorded in this run, to be printed."""
    for section, figures in sorted(_found.items()):
        yield f"{section}: {_total(figures)}"
        yield from (f"  {line}" for line in figures.shown())


def write() -> None:
    """Rewrite the document with what was recorded, if anything was."""
    if not _found:
        return
    sections = _sections(DOCUMENT.read_text(encoding="utf-8")) if DOCUMENT.exists() else {}
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    for section, figures in _found.items():
        lines = "\n".join(f"- {line}" for line in figures.shown())
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
