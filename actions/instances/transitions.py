"""From one status to another: the instance and the counters in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from actions.instances.locking import Lock, lock_instance
from services import clock, ids
from services.counters import Amount
from services.dynamodb import Attr, Condition, Operation, transact
from services.instances import Instance, InstanceStatus
from services.locks import lock_fields, unlocked_for
from services.platform import Platform


def transition(
    platform: Platform,
    instance: Instance,
    status: InstanceStatus,
    when: Condition,
    values: Mapping[str, Any],
    removed: Sequence[str] = (),
    counted: Mapping[str, Amount] | None = None,
) -> list[Operation]:
    """The operations by which an instance leaves the status that was read for `status`, if `when` holds.

    The first is the instance's, the second the counters'. `counted` is what to count besides.
    """
    as_read = Attr("status").eq(instance["status"])
    counts = dict(counted or {})
    if status != instance["status"]:
        counts |= {instance["status"]: -1, status: 1}
    change = platform.instances.change_status(instance, status, as_read & when, values, removed)
    return [change, platform.counters.count(instance["userId"], counts)]


def mark_for_deletion(
    platform: Platform, instance: Instance, due: Mapping[str, Any] | None = None
) -> Lock:
    """Lock an instance, whatever status it has, as one that is being destroyed.

    Raises ConditionFailed if it is locked, or its status is another by now.
    """
    if instance["status"] == InstanceStatus.DESTROYING:
        same = Attr("status").eq(InstanceStatus.DESTROYING)
        return lock_instance(platform, instance, same, due)
    now, lock_id = clock.now(), ids.new_id()
    values = {"statusSince": now, **lock_fields(lock_id, now), **(due or {})}
    free = unlocked_for(lock_id, now)
    no_start = ("startsAfter",)
    transact(*transition(platform, instance, InstanceStatus.DESTROYING, free, values, no_start))
    # What was booked or leased since it was read has to go, too.
    marked = platform.instances.find(instance["userId"]) or instance
    return Lock(platform, marked, lock_id)
