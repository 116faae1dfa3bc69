"""Many continuations of one prepared world: each runs in a copy of this process.

A fork takes some milliseconds and copies the emulator with everything in it, so that no case can touch
another and nothing has to be built again.
"""

from __future__ import annotations

import gc
import io
import os
import pickle
import traceback
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import redirect_stdout
from typing import Any, TypeVar

import pytest

from tests.failures import only_troubles

C = TypeVar("C")
R = TypeVar("R")
# The processors there are for this process, of the workers among which pytest -n shares the tests.
_WIDTH = max(1, (os.cpu_count() or 1) // int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


class CopyFailed(AssertionError):
    """What went wrong in a copy: the traceback and what was logged of refusals and failures."""


def in_a_copy(work: Callable[[C], R], case: C) -> R:
    """What `work` returns for `case` in a copy of this process; raises CopyFailed if it raised."""
    ((_, result),) = in_copies(work, [case])
    if isinstance(result, CopyFailed):
        raise result
    return result


def in_copies(work: Callable[[C], R], cases: Sequence[C]) -> Iterator[tuple[C, R | CopyFailed]]:
    """Each case with what `work` returned for it in a copy of its own, or CopyFailed if it raised.

    As many run at once as there are processors. What a copy prints is dropped.
    """
    begun: deque[tuple[C, tuple[int, int]]] = deque()
    for case in cases:
        if len(begun) == _WIDTH:
            yield _ended(*begun.popleft())
        begun.append((case, _begin(work, case)))
    while begun:
        yield _ended(*begun.popleft())


def _ended(case: C, copy: tuple[int, int]) -> tuple[C, Any]:
    succeeded, result = _end(*copy)
    return case, (result if succeeded else CopyFailed(f"{case}\n{result}"))


def _begin(work: Callable[[C], R], case: C) -> tuple[int, int]:
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    gc.disable()  # a copy does not live long enough for it to pay
    printed = io.StringIO()
    try:
        with redirect_stdout(printed):
            outcome: tuple[bool, Any] = True, work(case)
    except BaseException:  # whatever it is, the parent reports it
        outcome = False, traceback.format_exc() + only_troubles(printed.getvalue())
    with os.fdopen(writing, "wb") as pipe:
        pickle.dump(outcome, pipe)
    os._exit(0)  # nothing of the test runner's may run here


def _end(pid: int, reading: int) -> tuple[bool, Any]:
    with os.fdopen(reading, "rb") as pipe:
        written = pipe.read()
    os.waitpid(pid, 0)
    return pickle.loads(written) if written else (False, "the copy ended without a word")  # noqa: S301


def fail_if_broken(broken: Sequence[str], count: int) -> None:
    """Fail, with what was said of each, if some of so many cases are broken."""
    if broken:
        said = "\n\n".join(broken)
        pytest.fail(f"{len(broken)} of {count} broken\n\n{said}", pytrace=False)
