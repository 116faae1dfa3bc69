"""admin-overview: the whole at a glance.

States, hours, costs and donations are counted where they change, so that it takes five reads at the most,
however many members there are. Amounts are USD since the beginning, what still runs counted up to now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from actions.action import Action, Answer, Scope, UserRequest
from actions.billing.pricing import cents, hours
from actions.billing.usage import Used, by_user, uncovered
from actions.command import Command
from actions.licenses.license_pool_status import counted, shown_pools
from services import clock
from services.concurrency import concurrently
from services.counters import Amount
from services.instances import InstanceStatus
from services.ledger import ALL, UNASSIGNED, Totals
from services.platform import Platform

_TOP = 10


class AdminOverview(UserRequest):
    """The administrator who asks."""


def admin_overview(request: AdminOverview, platform: Platform) -> Answer:
    """Instances, licences of the pool, usage and who donated most.

    `stopped` holds those that were never started, too; `total` also those just being made or destroyed.
    """
    reads: tuple[Callable[[], Any], ...] = (
        platform.counters.read,
        lambda: list(platform.runs.still_open()),
        lambda: shown_pools(platform.licenses.pool()),
        lambda: list(platform.ledger.everybody(ALL, _TOP + 1)),
    )
    counters, open_runs, pools, donors = concurrently(*reads)
    running = by_user(open_runs, clock.now())
    return {
        "success": True,
        "instances": instances_of(counters),
        "licenses": {
            "total": len(pools),
            "available": counted(pools, "available"),
            "inUse": counted(pools, "in-use"),
            "pools": pools,
        },
        "usage": _usage(counters, sum(running.values(), Used())),
        "topContributors": [_contributor(t, running) for t in donors if _is_contributor(t)][:_TOP],
    }


def instances_of(counters: Mapping[str, Amount]) -> Answer:
    """How many servers there are, by the contract's words for their status."""
    count = {status: int(counters.get(status, 0)) for status in InstanceStatus}
    return {
        "total": sum(count.values()),
        "running": count[InstanceStatus.RUNNING],
        "stopped": count[InstanceStatus.STOPPED] + count[InstanceStatus.CREATED],
        "starting": count[InstanceStatus.STARTING],
        "stopping": count[InstanceStatus.STOPPING],
    }


def _usage(counters: Mapping[str, Amount], running: Used) -> Answer:
    used = Used(int(counters.get("seconds", 0)), Decimal(counters.get("cost", 0))) + running
    donated = Decimal(counters.get("donated", 0))
    return {
        "totalUsers": instances_of(counters)["total"],
        "totalHours": hours(used.seconds),
        "totalCosts": cents(used.cost),
        "totalDonations": cents(donated),
        "totalUncovered": cents(uncovered(used.cost, donated)),
    }


def _is_contributor(totals: Totals) -> bool:
    return totals["account"] != UNASSIGNED and totals["donated"] > 0


def _contributor(totals: Totals, running: Mapping[str, Used]) -> Answer:
    cost = totals["cost"] + running.get(totals["account"], Used()).cost
    return {
        "userId": totals["account"],
        "donations": cents(totals["donated"]),
        "uncovered": cents(uncovered(cost, totals["donated"])),
    }


ACTION = Action(
    AdminOverview,
    admin_overview,
    Scope.ADMIN,
    Command("Servers, licences, hours and costs of the community", at_once=True),
)
