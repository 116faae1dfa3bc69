"""The lock on an instance."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actions.errors import Busy
from actions.locking import ItemLock
from services import clock, ids
from services.dynamodb import Attr, Condition, ConditionFailed
from services.instances import Instance
from services.locks import is_locked
from services.platform import Platform


class Lock(ItemLock[Instance]):
    """A lock that is held on `instance`, which is the instance as it was last read or written."""

    def __init__(
        self, platform: Platform, instance: Instance, lock_id: str, retry_after: int = 0
    ) -> None:
        super().__init__(platform.instances, instance, lock_id, retry_after)
        self.platform = platform

    @property
    def instance(self) -> Instance:
        """The instance."""
        return self.item

    @instance.setter
    def instance(self, instance: Instance) -> None:
        """As it is by now."""
        self.item = instance


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
