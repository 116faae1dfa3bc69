"""What an administrator's repair looks for: licences that nobody uses, counters that do not agree."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any, cast

from actions.licenses import rules
from services import clock
from services.counters import SHARDS, Amount, figures, shard_of
from services.dynamodb import ConditionFailed, transact
from services.licenses import Lease, License
from services.platform import Platform


def release_unused(platform: Platform) -> list[str]:
    """Free the licences whose holder is a run that is over or a lease that ran out; returns their ids.

    Users' notes of leases that ran out go, too.
    """
    now = clock.now()
    freed = []
    for item in platform.licenses.all():
        if "leased" in item:
            lease = cast("Lease", item)
            if lease["until"] <= now:
                _unless_changed(platform, platform.licenses.forget(lease))
            continue
        if "ownerId" not in item:
            continue  # a key's claim goes with its server
        license = cast("License", item)
        unused = "holder" in license and not _is_used(platform, license, now)
        if unused and _unless_changed(platform, platform.licenses.free(license, now)):
            freed.append(license["licenseId"])
    return freed


def recount(platform: Platform) -> dict[str, dict[str, dict[str, Any]]]:
    """Count everything anew, and correct the counters that say something else; returns what each said.

    Each shard is corrected only if nothing it counts has changed since it was read, before the counting:
    else it is right when that change was the only one, and the next repair sees.
    """
    before = platform.counters.shards()
    wanted = _counted(platform)
    mended = {}
    for shard in (f"{number:02}" for number in range(SHARDS)):
        found = before.get(shard)
        said, right = figures(found or {}), figures(wanted[shard])
        if said == right:
            continue
        if _unless_changed(platform, platform.counters.correct(shard, found, right)):
            mended[shard] = {"said": _plain(said), "counted": _plain(right)}
    return mended


def _is_used(platform: Platform, license: License, now: int) -> bool:
    if "leaseUntil" in license:
        return rules.is_leased(license, now)
    run = platform.runs.find(license["holder"])
    return run is not None and "stoppedAt" not in run


def _counted(platform: Platform) -> dict[str, Counter[str]]:
    """What each shard should say."""
    wanted: dict[str, Counter[str]] = defaultdict(Counter)
    for instance in platform.instances.all():
        wanted[shard_of(instance["userId"])][instance["status"]] += 1
    for run in platform.runs.all():
        if "stoppedAt" in run:
            cost = run["cost"] + run.get("storedCost", 0)
            used = {"seconds": run["seconds"], "cost": cost}
            wanted[shard_of(run["userId"])].update(used)
    for donation in platform.donations.all():
        given = {"donated": donation["counted"], "donations": 1}
        wanted[shard_of(donation["donationId"])].update(given)
    return wanted


def _unless_changed(platform: Platform, operation: Any) -> bool:
    try:
        transact(operation)
    except ConditionFailed:
        return False
    return True


def _plain(counted: dict[str, Amount]) -> dict[str, float | int]:
    return {name: n if isinstance(n, int) else float(n) for name, n in sorted(counted.items())}
