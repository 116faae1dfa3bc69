"""From one status to another: the instance and the counters in one transaction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from services import clock
from services.counters import Amount
from services.dynamodb import Attr, Condition, Operation, transact
from services.instances import Instance, InstanceStatus, hold, is_free_for
from services.platform import Platform


def transition(
    platform: Platform,
    instance: Instance,
    status: str,
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
    change = platform.instances.change(
        instance, as_read & when, {"status": status, **values}, removed
    )
    return [change, platform.counters.count(instance["userId"], counts)]


def mark_for_deletion(
    platform: Platform, instance: Instance, worker: str, due: Mapping[str, Any] | None = None
) -> Instance:
    """Take the work of destroying an instance, whatever status it has; returns it as it then is.

    Raises ConditionFailed if somebody else works on it, or its status is another by now.
    """
    now = clock.now()
    if instance["status"] == InstanceStatus.DESTROYING:
        same = Attr("status").eq(InstanceStatus.DESTROYING)
        return platform.instances.take(instance, worker, now, same, due)
    values = {"statusSince": now, **hold(worker, now), **(due or {})}
    free = is_free_for(worker, now)
    transact(*transition(platform, instance, InstanceStatus.DESTROYING, free, values))
    # What was booked or leased since it was read has to go, too.
    return platform.instances.find(instance["userId"]) or instance
