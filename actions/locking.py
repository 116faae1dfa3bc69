"""The lock on an item: whoever holds it may touch AWS for the item, and gives it back whatever happens."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import structlog

from services import clock
from services.aws import AWS_FAILURES, LONGEST_CALL_SECONDS, until
from services.dynamodb import Attr, Condition, Operation, transact
from services.locks import LockableTable

_log = structlog.get_logger()
T = TypeVar("T", bound=Mapping[str, Any])


class ItemLock(Generic[T]):
    """A lock that is held on `item`, which is the item as it was last read or written.

    Used as a context: it is given back at its end, unless `finish` has done so before. What is unfinished
    then is due again for the tick: after a failure in `retry_after` seconds, else when `pause` says. A process
    that dies gives nothing back: its lock expires. One that outlives it calls AWS no more (LockExpired).
    """

    def __init__(
        self, table: LockableTable[T], item: T, lock_id: str, retry_after: int = 0
    ) -> None:
        self.item = item
        self.lock_id = lock_id
        self._table = table
        self._retry_after = retry_after
        self._pause = 0
        self._left_with: Mapping[str, Any] = {}
        self._held = True
        self._deadline = until(item["workerUntil"] - LONGEST_CALL_SECONDS)

    @property
    def held(self) -> Condition:
        """The condition that the lock is still this one's."""
        return Attr("worker").eq(self.lock_id)

    def note(self, values: Mapping[str, Any]) -> None:
        """Note what has been made so far; raises ConditionFailed if the lock is another's by now."""
        self.item = self._table.note(self.item, self.lock_id, values)

    def pause(self, seconds: int, values: Mapping[str, Any] | None = None) -> None:
        """Let the tick carry on so much later, when the work ends here for now; `values` are noted then."""
        self._pause, self._left_with = seconds, values or {}

    def finish(self, *operations: Operation) -> None:
        """Carry out the operations of which one removes LOCK_FIELDS: with them the lock is given back."""
        transact(*operations)
        self._held = False

    def __enter__(self) -> Self:
        self._deadline.__enter__()
        return self

    def __exit__(
        self, _: type[BaseException] | None, error: BaseException | None, __: TracebackType | None
    ) -> None:
        self._deadline.__exit__(None, None, None)
        if not self._held or not (error is None or isinstance(error, Exception)):
            return
        due_at = clock.now() + (self._retry_after if error else self._pause)
        values = {} if error else self._left_with
        try:
            self._table.release(self.item, self.lock_id, due_at, values)
        except AWS_FAILURES:
            if error is None:
                raise
            # The failure that brought us here is the one to report; the lock expires by itself.
            _log.warning("could not give a lock back", exc_info=True)
