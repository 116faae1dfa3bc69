"""Deciding anew when somebody else was quicker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from services import clock, ids
from services.dynamodb import ConditionFailed

T = TypeVar("T")
_PATIENCE_SECONDS = 25
_LONGEST_WAIT = 0.4


def decided(attempt: Callable[[], T]) -> T:
    """Read, decide and write (`attempt`) until the write meets the state that was read.

    A write that is refused because somebody else changed that state (ConditionFailed) changed nothing, so the
    whole attempt is made again, with what is true by then. Raises the last ConditionFailed after 25 s.
    """
    until, wait = clock.now() + _PATIENCE_SECONDS, 0.02
    while True:
        try:
            return attempt()
        except ConditionFailed:
            if clock.now() >= until:
                raise
        time.sleep(ids.jitter(wait))
        wait = min(2 * wait, _LONGEST_WAIT)
