"""No pattern of the project takes more than its time over a text, whatever somebody sends."""

from __future__ import annotations

import ast
import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Annotated, Any

import pytest
from hypothesis import HealthCheck, find, settings
from hypothesis import strategies as st
from pydantic import Field, TypeAdapter, ValidationError

from tests import proof

pytestmark = pytest.mark.slow

SOURCES = [path for top in ("handler", "actions", "services") for path in Path(top).rglob("*.py")]
# A pattern that looks at each character a few times takes about a millisecond for 100,000. One that goes back and
# looks again from each takes seconds to hours for as many, and for 40,000 a second at least.
CPU_SECONDS = 0.2
SIZES = [(40_000, 2), pytest.param((100_000, 40), marks=pytest.mark.prove)]
CHARACTERS = " \n\ta0A_-.:@|/[]{}\"'\\é\x00"
OF_RE = {"compile", "match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}


def in_source() -> Iterator[tuple[str, str, str]]:
    """Each pattern that is written in the source: where, its text, and whose engine reads it."""
    for path in SOURCES:
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            if called.partition(".")[0] == "re" and called.partition(".")[2] in OF_RE:
                yield str(path), _text(node.args[0], path), "re"
            for keyword in node.keywords:
                if keyword.arg == "pattern":
                    yield str(path), _text(keyword.value, path), "pydantic"
                assert keyword.arg != "regex_engine", f"{path}: pydantic's own engine is linear"


def _text(node: ast.expr, path: Path) -> str:
    """What the pattern says, of which constants of its module may be a part."""
    found = eval(ast.unparse(node), vars(_module(path)))  # noqa: S307 - the project's own source
    assert isinstance(found, str), f"{path}: write the pattern where it is used"
    return found


def _module(path: Path) -> ModuleType:
    return import_module(".".join(path.with_suffix("").parts))


def in_modules() -> set[str]:
    """The patterns that modules hold when they are loaded."""
    modules = [_module(path) for path in SOURCES if _loads(path)]
    held = [value for module in modules for value in vars(module).values()]
    return {value.pattern for value in held if isinstance(value, re.Pattern)}


def _loads(path: Path) -> bool:
    return path.name != "__init__.py"


PATTERNS = sorted(set(in_source()))


def test_no_module_holds_a_pattern_that_is_not_tried_here():
    assert in_modules() <= {text for _, text, _ in PATTERNS}
    assert len(PATTERNS) > 20


class TooLong(Exception):
    """The pattern is still looking."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """End what takes more of the CPU's time; others on this machine do not count."""

    def end(*_: Any) -> None:
        raise TooLong

    before = signal.signal(signal.SIGVTALRM, end)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def matching(pattern: str) -> str:
    """The simplest text that matches."""
    quick = settings(
        max_examples=200, database=None, derandomize=True, suppress_health_check=list(HealthCheck)
    )
    return find(st.from_regex(pattern), lambda text: True, settings=quick)


def texts(pattern: str, length: int, places: int) -> Iterator[str]:
    """Repeats of each kind of character, alone and where they nearly match."""
    literals = "".join(sorted({c for c in pattern if c.isalnum()}))[:12]
    example = matching(pattern)
    step = max(1, len(example) // places)
    for character in dict.fromkeys(CHARACTERS + literals):
        yield character * length
        yield character * length + "\x00"
        for place in range(0, len(example) + 1, step):
            yield example[:place] + character * length + "\x00" + example[place:]
    for pair in ("a ", " \n", "0.", "a@", "--", "0-", "]["):
        yield pair * (length // 2) + "\x00"
    if example:
        yield (example + "\x00") * (length // (len(example) + 1))
        yield example * (length // len(example)) + "\x00"


def looking(pattern: str, engine: str) -> list[Callable[[str], object]]:
    """All ways in which the project looks with a pattern."""
    if engine == "pydantic":
        adapter = TypeAdapter(Annotated[str, Field(pattern=pattern)])

        def validated(text: str) -> None:
            try:
                adapter.validate_python(text)
            except ValidationError:
                return

        return [validated]
    compiled = re.compile(pattern)
    return [compiled.search, compiled.fullmatch, compiled.split]


def slow_text(pattern: str, engine: str, length: int, places: int) -> tuple[int, str | None]:
    """How many looks there were, and the beginning of the text over which one took too long."""
    looks, ways = 0, looking(pattern, engine)
    for text in texts(pattern, length, places):
        for look in ways:
            looks += 1
            try:
                with at_most(CPU_SECONDS):
                    look(text)
            except TooLong:
                return looks, text[:40]
    return looks, None


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}")
def test_no_pattern_goes_back_and_looks_again(size):
    looks, slow = 0, []
    for path, pattern, engine in PATTERNS:
        tried, text = slow_text(pattern, engine, *size)
        looks += tried
        if text is not None:
            slow.append(f"{path}: {pattern!r} over {text!r}…")
    assert not slow, "\n".join(slow)
    proof.record(
        "Attempts against the platform",
        f"patterns: {len(PATTERNS)} looked {looks:,} times over texts of {size[0]:,} characters: none took long",
        looks,
    )


def test_a_pattern_that_does_is_noticed():
    began = time.process_time()
    for pattern in (r"(a+)+$", r"\s+x"):
        assert slow_text(pattern, "re", 40_000, 2)[1] is not None, pattern
    assert time.process_time() - began < 60
