"""Deciding anew when somebody else was quicker."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from actions.errors import Contended
from services import clock, ids
from services.dynamodb import ConditionFailed

T = TypeVar("T")
_GIVE_UP_SECONDS = 25
_FIRST_WAIT, _LONGEST_WAIT = 0.05, 4.0  # seconds


class Backoff:
    """How long somebody who was not quick enough tries again: 25 s in all, less and less often.

    The more there are, the longer an attempt takes and the surer it comes too late; only waits that grow
    fast thin them out.
    """

    def __init__(self) -> None:
        self._until = clock.now() + _GIVE_UP_SECONDS
        self._wait = _FIRST_WAIT

    def wait(self) -> None:
        """Wait before the next attempt; raises Contended when there have been enough."""
        if clock.now() >= self._until:
            raise Contended
        time.sleep(ids.jitter(self._wait))
        self._wait = min(3 * self._wait, _LONGEST_WAIT)


def retry_on_conflict(attempt: Callable[[], T]) -> T:
    """Read, decide and write (`attempt`) until the write meets the state that was read.

    A write that is refused because somebody else changed that state (ConditionFailed) changed nothing, so the
    whole attempt is made again, with what is true by then. Raises Contended after 25 s.
    """
    backoff = Backoff()
    while True:
        try:
            return attempt()
        except ConditionFailed:
            backoff.wait()
