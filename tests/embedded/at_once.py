"""Many callers at the same moment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

Answer = dict[str, Any]


def at_once(calls: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Make all calls in a thread each, none before all threads are there; the answers in order."""
    everybody_is_there = Barrier(len(calls))

    def when_all_are_there(call: Callable[[], Answer]) -> Answer:
        everybody_is_there.wait()
        return call()

    with ThreadPoolExecutor(max_workers=len(calls)) as threads:
        return list(threads.map(when_all_are_there, calls))


def granted(answers: Sequence[Answer]) -> list[Answer]:
    """The answers that say yes."""
    return [answer for answer in answers if answer["success"]]


def refused(answers: Sequence[Answer]) -> list[Answer]:
    """The answers that say no."""
    return [answer for answer in answers if not answer["success"]]
