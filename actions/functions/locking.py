"""The lock on a function."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from actions.errors import Busy
from actions.locking import ItemLock
from actions.retrying import Backoff
from services import clock, ids
from services.aws import AWS_FAILURES
from services.dynamodb import Attr, ConditionFailed
from services.errors import Unfinished
from services.locks import is_locked
from services.platform import Platform
from services.tenant_functions import Function

_log = structlog.get_logger()
RETRY_SECONDS = 30  # after which the tick tries again what AWS refused


@contextmanager
def left_to_the_tick() -> Iterator[None]:
    """Around what is recorded and may be carried out later as well: what cannot be now, the tick goes on with.

    It raises nothing that passes: somebody else works on the function, it was deleted, EC2 does not show its group
    yet, or AWS refuses, which the log says.
    """
    try:
        yield
    except (Busy, ConditionFailed, Unfinished):
        return
    except AWS_FAILURES:
        _log.warning("what a function asks for is left to the tick", exc_info=True)


class FunctionLock(ItemLock[Function]):
    """A lock that is held on `item`, the function as it was last read or written."""

    def __init__(self, platform: Platform, function: Function, lock_id: str) -> None:
        super().__init__(platform.tenant_functions, function, lock_id, RETRY_SECONDS)
        self.platform = platform


def lock_patiently(platform: Platform, function: Function) -> FunctionLock:
    """Like lock_function, and again while somebody else holds the lock. Raises Contended after 25 s."""
    backoff = Backoff()
    while True:
        try:
            return lock_function(platform, function)
        except Busy:
            backoff.wait()


def lock_function(platform: Platform, function: Function) -> FunctionLock:
    """Lock the function. Raises Busy if somebody else holds its lock, ConditionFailed if it is gone."""
    lock_id = ids.new_id()
    try:
        there = Attr("functionId").exists()
        locked = platform.tenant_functions.acquire(function, lock_id, clock.now(), there)
    except ConditionFailed as refused:
        if is_locked(refused.found, clock.now()):
            raise Busy("unknown") from refused
        raise
    return FunctionLock(platform, locked, lock_id)
