"""Independent work at the same time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context
from typing import Any

from services.tracing import carried

_WIDTH = 8


def concurrently(*calls: Callable[[], Any], width: int = _WIDTH) -> list[Any]:
    """Carry out all `calls`, at most `width` (eight) at once, and return their results in order.

    Every call has ended when this returns or raises, so nothing goes on unseen; of several failures
    the first in order is raised.
    """
    futures = _outcomes(calls, width)
    return [future.result() for future in futures]


def outcomes_of(calls: Sequence[Callable[[], Any]]) -> list[Any]:
    """Like concurrently, but one failure does not hide the others: results and exceptions in order."""
    return [future.exception() or future.result() for future in _outcomes(calls, _WIDTH)]


def _outcomes(calls: Sequence[Callable[[], Any]], width: int) -> list[Future[Any]]:
    if not calls:
        return []
    with ThreadPoolExecutor(max_workers=min(width, len(calls))) as pool:
        # Each thread gets the caller's context: the same request id in its log lines, the same segment.
        futures = [pool.submit(copy_context().run, carried(call)) for call in calls]
        wait(futures)
    return futures
