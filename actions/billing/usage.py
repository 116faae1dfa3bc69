"""What was used and given, with what still runs counted up to now."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, cast

from actions.action import Answer
from actions.billing.pricing import cents, hours, run_cost, shares
from services.ledger import Totals, by_currency, nothing
from services.runs import Run


@dataclass(frozen=True)
class Used:
    """Seconds and USD."""

    seconds: int = 0
    cost: Decimal = Decimal(0)

    def __add__(self, other: Used) -> Used:
        return Used(self.seconds + other.seconds, self.cost + other.cost)


def so_far(run: Run, now: int, month: str | None = None) -> Used:
    """What an open run has used up to now, in a month or in all; nothing until its task runs."""
    started_at = run.get("startedAt")
    if started_at is None or "stoppedAt" in run:
        return Used()
    ends = max(started_at, now)
    parts = shares(started_at, ends, run_cost(ends - started_at, run["rate"]))
    counted = [part for part in parts if month in (None, part.month)]
    return Used(sum(part.seconds for part in counted), sum((p.cost for p in counted), Decimal(0)))


def by_user(runs: Iterable[Run], now: int, month: str | None = None) -> Mapping[str, Used]:
    """What the open runs have used up to now, member by member."""
    used: dict[str, Used] = defaultdict(Used)
    for run in runs:
        used[run["userId"]] += so_far(run, now, month)
    return used


def uncovered(cost: Decimal, donated: Decimal) -> Decimal:
    """What of a cost no donation covers."""
    return max(cost - donated, Decimal(0))


def summed(totals: Iterable[Totals], period: str) -> Totals:
    """All accounts' totals of a period as one."""
    total: dict[str, Any] = {**nothing("", period)}
    for found in totals:
        for name, amount in found.items():
            if isinstance(amount, int | Decimal):
                total[name] = total.get(name, 0) + amount
    return cast("Totals", total)


def statement(totals: Totals, running: Used) -> Answer:
    """An account's period as answers show it."""
    used = Used(totals["seconds"], totals["cost"]) + running
    return {
        "hours": hours(used.seconds),
        "cost": cents(used.cost),
        "storageCost": cents(totals.get("storage", Decimal(0))),
        "donations": cents(totals["donated"]),
        "uncovered": cents(uncovered(used.cost, totals["donated"])),
        "donationsByCurrency": shown_currencies(totals),
    }


def shown_currencies(totals: Mapping[str, Any]) -> dict[str, float]:
    """What was donated in each currency, as answers show it."""
    return {currency: cents(amount) for currency, amount in sorted(by_currency(totals).items())}
