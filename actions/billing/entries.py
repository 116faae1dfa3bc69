"""What goes into the ledger when a run is over."""

from __future__ import annotations

from decimal import Decimal

from actions.billing.pricing import Share, month_of, shares
from services.dynamodb import Operation
from services.ledger import ALL
from services.platform import Platform
from services.runs import EndCause, Run


def bill(
    platform: Platform,
    run: Run,
    started_at: int,
    stopped_at: int,
    cost: Decimal,
    ended_by: EndCause,
) -> list[Operation]:
    """The operations that bill a run, once: its own entry, its share of each month, the member's totals."""
    parts = shares(started_at, stopped_at, run["rate"])
    ledger, user_id = platform.ledger, run["userId"]
    operations = [
        platform.runs.close(run, started_at, stopped_at, cost, ended_by),
        platform.counters.count_ending(user_id, month_of(stopped_at), ended_by),
        ledger.add(user_id, ALL, seconds=stopped_at - started_at, runs=1, cost=cost),
    ]
    begins = started_at
    for part in parts:
        entry = _entry(run, part, begins, ended_by)
        operations.append(ledger.charge(user_id, part.month, run["runId"], entry))
        operations.append(
            ledger.add(user_id, part.month, seconds=part.seconds, runs=1, cost=part.cost)
        )
        begins += part.seconds
    return operations


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
