"""The lock on an instance: whoever holds it may touch AWS for the instance, and gives it back whatever happens."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

import structlog

from actions.errors import Busy
from services import clock, ids
from services.aws import AWS_FAILURES, LONGEST_CALL_SECONDS, until
from services.dynamodb import Attr, Condition, ConditionFailed, Operation, transact
from services.instances import Instance, is_locked
from services.platform import Platform

_log = structlog.get_logger()


class Lock:
    """A lock that is held on `instance`, which is the instance as it was last read or written.

    Used as a context: it is given back at its end, unless `finish` has done so before. What is unfinished
    then is due again for the tick: after a failure in `retry_after` seconds, else when `pause` says. A process
    that dies gives nothing back: its lock expires. One that outlives it calls AWS no more (LockExpired).
    """

    def __init__(
        self, platform: Platform, instance: Instance, lock_id: str, retry_after: int = 0
    ) -> None:
        self.platform = platform
        self.instance = instance
        self.lock_id = lock_id
        self._retry_after = retry_after
        self._pause = 0
        self._left_with: Mapping[str, Any] = {}
        self._held = True
        self._deadline = until(instance["workerUntil"] - LONGEST_CALL_SECONDS)

    @property
    def held(self) -> Condition:
        """The condition that the lock is still this one's."""
        return Attr("worker").eq(self.lock_id)

    def note(self, values: Mapping[str, Any]) -> None:
        """Note what has been made so far; raises ConditionFailed if the lock is another's by now."""
        self.instance = self.platform.instances.note(self.instance, self.lock_id, values)

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
            self.platform.instances.release(self.instance, self.lock_id, due_at, values)
        except AWS_FAILURES:
            if error is None:
                raise
            # The failure that brought us here is the one to report; the lock expires by itself.
            _log.warning("could not give the lock on an instance back", exc_info=True)


def refuse_if_busy(instance: Instance) -> None:
    """Raise Busy if somebody holds the lock on the instance at this moment."""
    if is_locked(instance, clock.now()):
        raise Busy(instance["status"])


def lock_instance(
    platform: Platform,
    instance: Instance,
    when: Condition,
    values: Mapping[str, Any] | None = None,
) -> Lock:
    """Lock the instance if `when` holds, noting `values`; raises ConditionFailed if not, or if it is locked."""
    lock_id = ids.new_id()
    locked = platform.instances.acquire(instance, lock_id, clock.now(), when, values)
    return Lock(platform, locked, lock_id)


def lock_run(
    platform: Platform, instance: Instance, when: Condition, **values: object
) -> Lock | None:
    """Lock the instance's present run; None if the run is over or `when` no longer holds.

    Raises Busy if somebody else has the lock.
    """
    same = Attr("runId").eq(instance["runId"])
    try:
        return lock_instance(platform, instance, same & when, values)
    except ConditionFailed as refused:
        found = refused.found
        if found.get("runId") == instance["runId"] and is_locked(found, clock.now()):
            raise Busy(found["status"]) from refused
        return None
