"""The lock on a function."""

from __future__ import annotations

from actions.errors import Busy
from actions.locking import ItemLock
from actions.retrying import Backoff
from services import clock, ids
from services.dynamodb import Attr, ConditionFailed
from services.locks import is_locked
from services.platform import Platform
from services.tenant_functions import Function

RETRY_SECONDS = 30  # after which the tick tries again what AWS refused


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
