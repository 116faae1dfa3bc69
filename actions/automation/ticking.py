"""What both ticks have in common: due items side by side, none stopping the others, within the time there is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import structlog

from actions.errors import Busy
from actions.side_by_side import each_by_itself
from services import clock
from services.dynamodb import ConditionFailed

_log = structlog.get_logger()
_LIMIT_SECONDS = (
    240  # of the function's 300: what is not begun by then is still due, and the next tick's
)
_LATER = object()


def carry_on(
    steps: Sequence[Callable[[], bool]], details: Sequence[dict[str, Any]]
) -> tuple[int, int]:
    """Take all `steps`; returns how many returned True and how many failed. Failures are logged with `details`."""
    until = clock.now() + _LIMIT_SECONDS
    outcomes = each_by_itself([_in_time(step, until) for step in steps])
    failures = 0
    for outcome, about in zip(outcomes, details, strict=True):
        # Busy and ConditionFailed: somebody else carried on with it in the meantime.
        if isinstance(outcome, Exception) and not isinstance(outcome, Busy | ConditionFailed):
            failures += 1
            _log.error("a due step failed", details=about, exc_info=outcome)
        elif isinstance(outcome, BaseException) and not isinstance(outcome, Exception):
            raise outcome
    if _LATER in outcomes:
        _log.warning("left to the next tick", details={"steps": outcomes.count(_LATER)})
    return sum(outcome is True for outcome in outcomes), failures


def _in_time(step: Callable[[], bool], until: int) -> Callable[[], Any]:
    return lambda: step() if clock.now() < until else _LATER
