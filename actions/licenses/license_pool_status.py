"""license-pool-status: what the pool holds."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from actions.action import Action, Answer, Request, Scope
from actions.command import Command
from actions.licenses import rules
from services import clock
from services.concurrency import concurrently
from services.licenses import License
from services.platform import Platform


class LicensePoolStatus(Request):
    """Needs nothing."""


def license_pool_status(request: LicensePoolStatus, platform: Platform) -> Answer:
    """Every shared licence with its status, and how many there are of each."""
    pools = shown_pools(shared_licenses(platform))
    return {
        "success": True,
        "totalLicenses": len(pools),
        "availableLicenses": counted(pools, "available"),
        "inUseLicenses": counted(pools, "in-use"),
        "pools": pools,
    }


def shown_pools(licenses: Iterable[License]) -> list[Answer]:
    """Licences as the contract shows them (LicensePool)."""
    now = clock.now()
    return [_shown(license, now) for license in licenses]


def counted(pools: list[Answer], status: str) -> int:
    """How many licences have a status."""
    return sum(pool["status"] == status for pool in pools)


def shared_licenses(platform: Platform) -> list[License]:
    """The licences of the pool as they are now, the longest unused first."""
    ids = list(platform.licenses.shared())
    found = concurrently(*(partial(platform.licenses.find, license_id) for license_id in ids))
    return [license for license in found if license and license.get("pool") == "shared"]


def _shown(license: License, now: int) -> Answer:
    shown: Answer = {"licenseId": license["licenseId"], "ownerId": license["ownerId"]}
    if rules.holder_of(license, now):
        shown["currentUser"] = license["holderUserId"]
    if rules.holder_of(license, now) and "leaseUntil" not in license:
        return shown | {"status": "in-use"}
    until = rules.expected_free(license, now)
    if until and until > now:
        return shown | {"status": "reserved", "reservedUntil": until}
    return shown | {"status": "available"}


ACTION = Action(
    LicensePoolStatus,
    license_pool_status,
    Scope.PUBLIC,
    Command("The community's licences, and which are free", at_once=True),
)
