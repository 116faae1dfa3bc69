"""What the storage of saves costs: each stretch of time once, from one report of a repository's size to the next.

A run that saves reports how much the repository then holds. That counts until the next one does, or the saves go:
then the stretch is entered, in the transaction that notes the next. `stored` of the instance says since when
nothing has been entered, and the run itself for how long its report has counted.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from actions.billing.pricing import Share, month_ends, month_of, storage_shares
from services import clock
from services.counters import Amount
from services.dynamodb import Attr, ConditionFailed, Operation, transact
from services.instances import Instance, Stored
from services.platform import Platform

_MONTHS = 12  # at once: a transaction has an end, and somebody may have been away for years


@dataclass(frozen=True)
class Stretch:
    """A time through which a repository held what a run has reported, and what each month has of its cost."""

    stored: Stored
    until: int
    rate: Decimal
    shares: list[Share]

    @property
    def cost(self) -> Decimal:
        """What it costs."""
        return sum((share.cost for share in self.shares), Decimal(0))


@dataclass(frozen=True)
class Held:
    """What a run has found its repository to hold, and the stretch that has ended with that, if there was one."""

    bytes: int
    since: int
    before: Stretch | None

    @property
    def cost(self) -> Decimal:
        """What that stretch costs."""
        return self.before.cost if self.before else Decimal(0)

    def noted(self, run_id: str) -> Stored:
        """What the instance notes of it."""
        return {"runId": run_id, "bytes": self.bytes, "since": self.since}


def held(platform: Platform, instance: Instance, found: int, at: int) -> Held:
    """What follows from a run's report, as it ended at that moment, of so many bytes."""
    stored = instance.get("stored")
    if stored is None:
        return Held(found, at, None)
    until = max(at, stored["since"])
    return Held(found, until, _stretch(platform, stored, until))


def enter(
    platform: Platform, user_id: str, stretch: Stretch, totals: bool = True
) -> list[Operation]:
    """The operations that enter a stretch, once.

    Without `totals`, only what is the stretch's alone: who enters something else in the same transaction sums up.
    """
    run_id, ledger = stretch.stored["runId"], platform.ledger
    operations = [platform.runs.store(run_id, stretch.stored["since"], stretch.until, stretch.cost)]
    begins = stretch.stored["since"]
    for share in stretch.shares:
        entry = {
            "runId": run_id,
            "startedAt": begins,
            "stoppedAt": begins + share.seconds,
            "seconds": share.seconds,
            "bytes": stretch.stored["bytes"],
            "rate": stretch.rate,
            "cost": share.cost,
        }
        operations.append(ledger.charge_storage(user_id, share.month, entry))
        begins += share.seconds
    return operations + (list(_totals(platform, user_id, stretch)) if totals else [])


def catch_up(platform: Platform, instance: Instance) -> Instance:
    """Enter, in transactions of their own, what is too long ago to be entered with anything else.

    Returns the instance as it then is. Raises ConditionFailed if somebody else has entered it.
    """
    now = clock.now()
    while stored := instance.get("stored"):
        until = _far(stored["since"])
        if until > now:
            break
        instance = _enter(platform, instance, stored, until, {**stored, "since": until})
    return instance


def settle(platform: Platform, instance: Instance) -> None:
    """Enter all up to now; nothing is entered for its saves any more. Repeating it is harmless."""
    with suppress(ConditionFailed):  # somebody else has
        instance = catch_up(platform, instance)
        if stored := instance.get("stored"):
            _enter(platform, instance, stored, max(clock.now(), stored["since"]), None)


def _enter(
    platform: Platform, instance: Instance, stored: Stored, until: int, then: Stored | None
) -> Instance:
    stretch, as_read = _stretch(platform, stored, until), Attr("stored").eq(stored)
    values: Mapping[str, Stored] = {"stored": then} if then else {}
    removed = () if then else ("stored",)
    cost: dict[str, Amount] = {"cost": stretch.cost}
    transact(
        platform.instances.change(instance, as_read, values, removed),
        platform.counters.count(instance["userId"], cost),
        *enter(platform, instance["userId"], stretch),
    )
    left = {name: value for name, value in instance.items() if name != "stored"}
    return cast("Instance", {**left, **values})


def _totals(platform: Platform, user_id: str, stretch: Stretch) -> list[Operation]:
    ledger = platform.ledger
    operations = [ledger.add(user_id, "all", cost=stretch.cost, storage=stretch.cost)]
    for share in stretch.shares:
        cost = share.cost
        operations.append(platform.counters.count_in(share.month, user_id, {"cost": cost}))
        operations.append(ledger.add(user_id, share.month, cost=cost, storage=cost))
    return operations


def _stretch(platform: Platform, stored: Stored, until: int) -> Stretch:
    rate = platform.settings.gb_month
    shares = storage_shares(rate, stored["bytes"], stored["since"], until)
    return Stretch(stored, until, rate, shares)


def _far(since: int) -> int:
    """The end of a month that is so far from a moment that all until then is entered at once."""
    ends = since
    for _ in range(_MONTHS):
        ends = month_ends(month_of(ends))
    return ends
