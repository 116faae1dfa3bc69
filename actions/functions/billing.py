"""What a task of a function costs, from its first sight to its end."""

from __future__ import annotations

from decimal import Decimal

from actions.billing.entries import bill
from actions.billing.pricing import hourly_rate, run_cost
from services.dynamodb import Operation, transact
from services.platform import Platform
from services.runs import End, EndCause, Run


def rate_of(platform: Platform, cpu: int, memory: int) -> Decimal:
    """What an hour of such a task costs, in USD, with its public address if it has one."""
    public = platform.settings.function_network == "public"
    return hourly_rate(platform.settings, cpu, memory, public=public)


def close_run(
    platform: Platform, run: Run, time: tuple[int, int], *with_it: Operation, seen: bool = True
) -> None:
    """Bill a run, once, in one transaction with what else is decided; `seen` if ECS has said that it is over.

    Raises ConditionFailed if it was billed before, or what else is decided cannot be.
    """
    seconds = time[1] - time[0]
    cost = run_cost(seconds, run["rate"])
    transact(
        *with_it,
        platform.counters.count(run["userId"], {"seconds": seconds, "cost": cost}),
        *bill(platform, run, *time, cost, End(EndCause.FUNCTION, seen)),
    )
