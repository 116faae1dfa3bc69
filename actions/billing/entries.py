"""What goes into the ledger when a run is over."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from actions.billing.pricing import Share, month_of, run_cost, shares
from actions.billing.storage import Held, Stretch, enter
from services.dynamodb import Operation
from services.ledger import ALL
from services.platform import Platform
from services.runs import End, EndCause, Run, Storing


def bill(
    platform: Platform,
    run: Run,
    started_at: int,
    stopped_at: int,
    cost: Decimal,
    end: End,
    held: Held | None = None,
) -> list[Operation]:
    """The operations that bill a run, once: its own entry, its share of each month, the member's totals.

    With what it has found its repository to hold, also the stretch of storage that has ended with that.
    """
    user_id, seconds = run["userId"], stopped_at - started_at
    before = held.before if held else None
    storage = before.cost if before else Decimal(0)
    storing: Storing | None = (
        {"storedBytes": held.bytes, "storedSince": held.since} if held else None
    )
    time = (started_at, stopped_at)
    return [
        platform.runs.close(run, started_at, stopped_at, cost, end, storing),
        platform.ledger.add(
            user_id, ALL, seconds=seconds, runs=1, cost=cost + storage, storage=storage
        ),
        *_by_month(platform, run, run["runId"], time, cost, end.cause, runs=1, storage=before),
        *(enter(platform, user_id, before, totals=False) if before else ()),
    ]


def bill_late(platform: Platform, run: Run, started_at: int, stopped_at: int) -> list[Operation]:
    """The operations that bill, once, what a closed run's task went on for after the end that was known.

    They are refused if the run's bill is no longer as it was read.
    """
    user_id, seconds = run["userId"], stopped_at - started_at
    cost = run_cost(run["seconds"] + seconds, run["rate"]) - run["cost"]
    entry_id, cause = f"{run['runId']}:{started_at}", run["endedBy"]
    return [
        platform.runs.amend(run, started_at, stopped_at, cost),
        platform.counters.count(user_id, {"seconds": seconds, "cost": cost}),
        platform.ledger.add(user_id, ALL, seconds=seconds, cost=cost),
        *_by_month(platform, run, entry_id, (started_at, stopped_at), cost, cause, runs=0),
    ]


def _by_month(
    platform: Platform,
    run: Run,
    entry_id: str,
    time: tuple[int, int],
    cost: Decimal,
    cause: EndCause,
    *,
    runs: int,
    storage: Stretch | None = None,
) -> Iterator[Operation]:
    """What goes into the ledger of each month that the time falls into; it counts as so many `runs`.

    Each month is written to once, with what it has of the storage that is entered besides.
    """
    ledger, user_id, begins = platform.ledger, run["userId"], time[0]
    stored = {share.month: share.cost for share in (storage.shares if storage else ())}
    for part in shares(*time, cost):
        ended: dict[str, int] = {cause: 1} if runs and part.month == month_of(time[1]) else {}
        of_storage = stored.pop(part.month, Decimal(0))
        all_cost = part.cost + of_storage
        yield platform.counters.count_in(part.month, user_id, {"cost": all_cost, **ended})
        yield ledger.charge(user_id, part.month, entry_id, _entry(run, part, begins, cause))
        yield ledger.add(
            user_id,
            part.month,
            seconds=part.seconds,
            runs=runs,
            cost=all_cost,
            storage=of_storage,
        )
        begins += part.seconds
    for month, of_storage in stored.items():
        yield platform.counters.count_in(month, user_id, {"cost": of_storage})
        yield ledger.add(user_id, month, cost=of_storage, storage=of_storage)


def _entry(
    run: Run, part: Share, begins: int, ended_by: EndCause
) -> dict[str, str | int | Decimal]:
    return {
        "runId": run["runId"],
        "kind": run["kind"],
        "startedAt": begins,
        "stoppedAt": begins + part.seconds,
        "seconds": part.seconds,
        "cpu": run["cpu"],
        "memory": run["memory"],
        "rate": run["rate"],
        "cost": part.cost,
        "endedBy": ended_by,
    }
