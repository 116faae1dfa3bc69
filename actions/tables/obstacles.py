"""What a table needs to be woken: what a start would be refused for, found without starting anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from actions.billing.budget import refuse_start_if_spent
from actions.errors import Busy, FilesBusy, PlatformError, UnderMaintenance
from actions.licenses.choosing import refusal, suitable
from actions.rates import used_up
from services import clock
from services.instances import Instance, is_being_restored
from services.platform import Platform


@dataclass(frozen=True)
class Needs:
    """The first refusal that a start would meet, if any; else whose licence it would have."""

    refusal: PlatformError | None = None
    license: Literal["own", "pool"] | None = None


def needs(platform: Platform, instance: Instance) -> Needs:
    """What a start of the instance, which is at rest, would meet now (actions/instances/starting.py).

    Nothing follows from it: the start decides anew.
    """
    try:
        refuse_start_if_spent(platform, instance)
    except PlatformError as refused:
        return Needs(refused)
    if maintenance := platform.registry.maintenance():
        return Needs(UnderMaintenance(maintenance.get("until")))
    if is_being_restored(instance):
        return Needs(FilesBusy())
    license = next(suitable(platform, instance), None)
    if license is None:
        return Needs(refusal(platform, instance))
    if "renews" in instance:
        return Needs(Busy(instance["status"]))
    now, allowed = clock.now(), platform.settings.allowed_a_day["starts"]
    if platform.registry.used(instance["userId"], "starts", now) >= allowed:
        return Needs(used_up(platform, "starts"))
    return Needs(license="own" if license["ownerId"] == instance["userId"] else "pool")
