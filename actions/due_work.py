"""What the scheduled actions have in common: the due items, a step for each, none stopping the others."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import structlog

from actions.errors import Busy
from services import clock
from services.concurrency import concurrently, outcomes_of
from services.dynamodb import ConditionFailed

_log = structlog.get_logger()
K = TypeVar("K")
T = TypeVar("T", bound=Mapping[str, Any])
_LIMIT_SECONDS = (
    240  # of the function's 300: what is not begun by then is still due, and the next tick's
)
_LATER = object()


def due_now(ids: Iterable[K], find: Callable[[K], T | None]) -> list[T]:
    """The items with these ids that are due as they are now: the index that named them may lag."""
    now = clock.now()
    found = concurrently(*(partial(find, item_id) for item_id in ids))
    return [item for item in found if item and item.get("dueAt", now + 1) <= now]


class Outcome(NamedTuple):
    """How many steps returned True, how many failed, and how many there was no time for."""

    done: int
    failures: int
    left: int


def run_steps(steps: Sequence[Callable[[], bool]], details: Sequence[dict[str, Any]]) -> Outcome:
    """Take all `steps`. Failures are logged with `details`."""
    until = clock.now() + _LIMIT_SECONDS
    outcomes = outcomes_of([_in_time(step, until) for step in steps])
    failures = 0
    for outcome, about in zip(outcomes, details, strict=True):
        # Busy and ConditionFailed: somebody else carried on with it in the meantime.
        if isinstance(outcome, Exception) and not isinstance(outcome, Busy | ConditionFailed):
            failures += 1
            _log.error("a due step failed", details=about, exc_info=outcome)
        elif isinstance(outcome, BaseException) and not isinstance(outcome, Exception):
            raise outcome
    left = outcomes.count(_LATER)
    if left:
        _log.warning("there was no time for all steps", details={"left": left})
    return Outcome(sum(outcome is True for outcome in outcomes), failures, left)


def _in_time(step: Callable[[], bool], until: int) -> Callable[[], Any]:
    return lambda: step() if clock.now() < until else _LATER
