"""Locks on items: whoever touches AWS for an item holds its lock.

`worker` and `workerUntil` are the lock, its owner and when it expires. It is acquired by a conditional write and
lasts as long as a function may live, so that its owner cannot outlive it. What is left unfinished is due:
`due` and `dueAt` make the sparse index that the ticks query.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar, cast

from services.dynamodb import Attr, Condition, ConditionFailed, Operation, Table, absent

# How long a lock lasts: the function's timeout, by which AWS has ended any process that acquired it.
LOCK_SECONDS = 300
LOCK_FIELDS = ("worker", "workerUntil")

T = TypeVar("T", bound=Mapping[str, Any])


class LockableTable(Table, ABC, Generic[T]):
    """A table whose items can be locked. `due` is what its unfinished items have as theirs."""

    due: ClassVar[str]

    @abstractmethod
    def change(
        self, item: T, when: Condition, values: Mapping[str, Any], remove: Sequence[str] = ()
    ) -> Operation:
        """The operation that changes this very item, never a later one with the same key."""

    def acquire(
        self,
        item: T,
        lock_id: str,
        now: int,
        when: Condition,
        values: Mapping[str, Any] | None = None,
    ) -> T:
        """Lock an item if `when` holds and it is not locked; returns it as it then is.

        Raises ConditionFailed with the item found. Acquiring it twice with the same `lock_id` succeeds, so a
        request repeated because its answer was lost does no harm.
        """
        locked = {**lock_fields(lock_id, now), **(values or {})}
        when = when & unlocked_for(lock_id, now)
        return cast("T", self.apply_update(self.change(item, when, locked)))

    def release(self, item: T, lock_id: str, due_at: int, values: Mapping[str, Any]) -> None:
        """Give the lock back with work unfinished, noting `values`: whoever repeats it, or the tick at `due_at`,
        carries on.
        """
        due = {"due": self.due, "dueAt": due_at, **values}
        try:
            held = Attr("worker").eq(lock_id)
            self.apply_update(self.change(item, held, due, LOCK_FIELDS))
        except ConditionFailed:
            return  # finished, gone, or never begun: nothing of ours is locked

    def note(self, item: T, lock_id: str, values: Mapping[str, Any]) -> T:
        """Note what has been made so far; raises ConditionFailed if the lock is another's by now."""
        held = Attr("worker").eq(lock_id)
        return cast("T", self.apply_update(self.change(item, held, values)))


def unlocked_for(lock_id: str, now: int) -> Condition:
    """The condition that nobody but `lock_id` holds the lock on an item."""
    return absent("worker") | Attr("workerUntil").lte(now) | Attr("worker").eq(lock_id)


def lock_fields(lock_id: str, now: int) -> dict[str, Any]:
    """What says that `lock_id` holds the lock from now on."""
    return {"worker": lock_id, "workerUntil": now + LOCK_SECONDS}


def is_locked(item: Mapping[str, Any], now: int) -> bool:
    """Whether somebody holds the lock on the item at `now`."""
    return bool(item.get("workerUntil", 0) > now)
