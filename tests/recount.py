"""The ledger, the counters and the quotas said a second time, from what they sum up: instances, runs, donations,
functions.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

Item = dict[str, Any]
Figures = dict[Any, Counter[str]]
_USED = ("functions", "replicas", "cpu", "memory")
_COUNTED = ("creating", "created", "starting", "running", "stopping", "stopped", "destroying")


def disagreements(items: Callable[[str], list[Item]]) -> dict[str, Any]:
    """What the stored figures say differently from a full recount; empty if they agree. `items` reads a table."""
    instances, runs, donations = items("instances"), items("runs"), items("donations")
    ledger, functions = items("ledger"), items("functions")
    over = [run for run in runs if "stoppedAt" in run]
    given = [donation for donation in donations if "of" not in donation]
    pairs = {
        "counters": (_stored_counters(ledger), _counters(instances, over, given)),
        "months": (_stored_months(ledger), _months(over, given)),
        "totals": (_stored_totals(ledger), _totals(over, given)),
        "shares": (_stored_shares(ledger), _shares(over)),
        "costs": (_costs_in_totals(ledger), _costs_by_month(ledger)),
        "runs": (_runs_in_totals(ledger), Counter(run["userId"] for run in over)),
        "storage": (_stored_storage(ledger), _storage(over)),
        "storage's totals": (_storage_in_totals(ledger), _storage_by_month(ledger)),
        "storage's order": (_noted_storage(instances), _unfinished_storage(instances, over)),
        "quotas": (_stored_quotas(functions), quotas(functions)),
    }
    return {
        name: {"stored": said, "recounted": right}
        for name, (said, right) in pairs.items()
        if said != right
    }


def months(started_at: int, stopped_at: int) -> Counter[str]:
    """The seconds between two moments by month, UTC, a day at a time: no month begins within one."""
    counted: Counter[str] = Counter()
    day = 86400
    while started_at < stopped_at:
        until = min((started_at // day + 1) * day, stopped_at)
        counted[f"{datetime.fromtimestamp(started_at, UTC):%Y-%m}"] += until - started_at
        started_at = until
    return counted


def _stored_counters(ledger: Iterable[Item]) -> dict[str, Any]:
    return _sum(i for i in ledger if i["account"] == "#counters")


def _stored_months(ledger: Iterable[Item]) -> dict[str, Any]:
    return _sum(i for i in ledger if i["account"] == "#endings")


def _sum(items: Iterable[Item]) -> dict[str, Any]:
    total: Counter[str] = Counter()
    for item in items:
        total.update({n: v for n, v in item.items() if n not in ("account", "entry", "version")})
    return {name: value for name, value in total.items() if value}


def _counters(instances: list[Item], runs: list[Item], donations: list[Item]) -> dict[str, Any]:
    total: Counter[str] = Counter(instance["status"] for instance in instances)
    assert set(total) <= set(_COUNTED)
    total["seconds"] = sum(run["seconds"] for run in runs)
    total["cost"] = _cost(runs)
    total["donations"] = len(donations)
    total["donated"] = sum(donation["counted"] for donation in donations)
    return {name: value for name, value in total.items() if value}


def _months(runs: list[Item], donations: list[Item]) -> dict[str, Any]:
    total: Counter[str] = Counter(run["endedBy"] for run in runs)
    total.update(f"why:{run['why']}" for run in runs if "why" in run)
    total["cost"] = _cost(runs)
    total["donated"] = sum(donation["counted"] for donation in donations)
    return {name: value for name, value in total.items() if value}


def _cost(runs: list[Item]) -> Any:
    return sum(run["cost"] + run.get("storedCost", 0) for run in runs)


def _stored_totals(ledger: Iterable[Item]) -> Figures:
    return {
        (i["account"], i["period"]): _nonzero(i) for i in ledger if "period" in i and _nonzero(i)
    }


def _nonzero(item: Item) -> Counter[str]:
    names = ("seconds", "donated")
    kept = {n: v for n, v in item.items() if v and (n in names or n.startswith("in_"))}
    return Counter(kept)


def _totals(runs: list[Item], donations: list[Item]) -> Figures:
    totals: Figures = defaultdict(Counter)
    for run in runs:
        for month, seconds in months(int(run["startedAt"]), int(run["stoppedAt"])).items():
            totals[run["userId"], month]["seconds"] += seconds
            totals[run["userId"], "all"]["seconds"] += seconds
    for donation in donations:
        for period in (donation["month"], "all"):
            account = donation.get("userId", "#unassigned")
            totals[account, period]["donated"] += donation["counted"]
            totals[account, period][f"in_{donation['currency']}"] += donation["amount"]
    kept = {key: Counter({n: v for n, v in c.items() if v}) for key, c in totals.items()}
    return {key: counted for key, counted in kept.items() if counted}


def _stored_shares(ledger: Iterable[Item]) -> dict[str, Any]:
    """Each run's seconds and cost, as its entries in the months add up to them."""
    found: dict[str, list[Any]] = defaultdict(lambda: [0, 0])
    for item in ledger:
        if ":run:" in item["entry"]:
            found[item["runId"]][0] += item["seconds"]
            found[item["runId"]][1] += item["cost"]
    return dict(found)


def _shares(runs: list[Item]) -> dict[str, Any]:
    return {run["runId"]: [run["seconds"], run["cost"]] for run in runs}


def _costs_in_totals(ledger: Iterable[Item]) -> dict[Any, Any]:
    return {
        (i["account"], i["period"]): i["cost"] for i in ledger if i.get("cost") and "period" in i
    }


def _costs_by_month(ledger: Iterable[Item]) -> dict[Any, Any]:
    return _by_month(i for i in ledger if ":run:" in i["entry"] or ":storage:" in i["entry"])


def _by_month(entries: Iterable[Item]) -> dict[Any, Any]:
    """What entries come to for each account, month by month and in all."""
    found: Counter[Any] = Counter()
    for item in entries:
        for period in (item["entry"][:7], "all"):
            found[item["account"], period] += item["cost"]
    return {key: cost for key, cost in found.items() if cost}


def _runs_in_totals(ledger: Iterable[Item]) -> Counter[str]:
    return Counter(
        {i["account"]: i["runs"] for i in ledger if i.get("period") == "all" and i["runs"]}
    )


def _stored_storage(ledger: Iterable[Item]) -> Figures:
    """For how long each run's report of a size has been billed, month by month, and what that came to."""
    found: Figures = defaultdict(Counter)
    for item in (i for i in ledger if ":storage:" in i["entry"]):
        found[item["runId"]][item["entry"][:7]] += item["seconds"]
        found[item["runId"]]["cost"] += item["cost"]
    return dict(found)


def _storage(runs: list[Item]) -> Figures:
    billed = (run for run in runs if run.get("storedUntil", 0) > run.get("storedSince", 0))
    return {
        run["runId"]: months(int(run["storedSince"]), int(run["storedUntil"]))
        + Counter({"cost": run["storedCost"]})
        for run in billed
    }


def _storage_in_totals(ledger: Iterable[Item]) -> dict[Any, Any]:
    totals = (i for i in ledger if "period" in i and i.get("storage"))
    return {(i["account"], i["period"]): i["storage"] for i in totals}


def _storage_by_month(ledger: Iterable[Item]) -> dict[Any, Any]:
    return _by_month(i for i in ledger if ":storage:" in i["entry"])


def _noted_storage(instances: list[Item]) -> dict[str, Any]:
    """What is stored for each server, by which report, and since when that is not billed yet."""
    noted = {i["instanceId"]: i["stored"] for i in instances if "stored" in i}
    return {name: [s["runId"], s["bytes"], s["since"]] for name, s in noted.items()}


def _unfinished_storage(instances: list[Item], runs: list[Item]) -> dict[str, Any]:
    """The same by the runs, each of which was billed until the next one began to be."""
    unfinished = {}
    for instance in instances:
        of = [r for r in runs if r["instanceId"] == instance["instanceId"] and "storedBytes" in r]
        of.sort(key=lambda run: (run["storedSince"], run.get("storedUntil", math.inf)))
        for run, following in pairwise(of):
            assert run["storedUntil"] == following["storedSince"], "each second once"
        if of and ("stored" in instance or instance["status"] != "destroying"):
            until = of[-1].get("storedUntil", of[-1]["storedSince"])
            unfinished[instance["instanceId"]] = [of[-1]["runId"], of[-1]["storedBytes"], until]
    return unfinished


def _stored_quotas(functions: Iterable[Item]) -> Figures:
    """What each tenant uses, as the transactions have counted it; one who uses nothing is as good as none."""
    stored = {i["userId"]: i for i in functions if i["entry"] == "tenant"}
    return _used({user: Counter({n: item[n] for n in _USED}) for user, item in stored.items()})


def quotas(functions: Iterable[Item]) -> Figures:
    """What each tenant's functions ask for, and the invocations that are not over have."""
    total: Figures = defaultdict(Counter)
    for item in functions:
        kind = item["entry"].partition(":")[0]
        if kind == "fn" or (kind == "job" and "finishedAt" not in item):
            replicas, sizes = item.get("replicas", 1), ("cpu", "memory")
            total[item["userId"]].update({size: replicas * item[size] for size in sizes})
            total[item["userId"]].update({"replicas": replicas, "functions": int(kind == "fn")})
    return _used(total)


def _used(total: Figures) -> Figures:
    kept = {user: Counter({n: v for n, v in used.items() if v}) for user, used in total.items()}
    return {user: used for user, used in kept.items() if used}
