"""request-license: a licence to start on, held until the member starts."""

from __future__ import annotations

from collections.abc import Iterator

from actions.action import Action, Answer, Scope, UserRequest
from actions.billing.budget import refuse_start_if_spent
from actions.command import Command
from actions.errors import LeasedEnough, WrongState
from actions.licenses import rules
from actions.licenses.choosing import pool_is_empty, pooled
from actions.lookup import instance_of
from actions.retrying import retry_on_conflict
from services import clock
from services.dynamodb import ConditionFailed, transact
from services.instances import AT_REST, Instance
from services.licenses import Lease, License
from services.platform import Platform


class RequestLicense(UserRequest):
    """Who wants a licence."""


def request_license(request: RequestLicense, platform: Platform) -> Answer:
    """Lease a free licence for 15 minutes, or renew the lease that the user has, up to three quarters of an hour.

    The own licence comes first; its owner can start on it whoever has leased it. Raises InstanceNotFound,
    WrongState unless the server is at rest, BudgetSpent, LeasedEnough, LicenseTaken with when one is expected to be
    free.
    """
    license_id, until = retry_on_conflict(lambda: _leased(platform, request.user_id))
    return {
        "success": True,
        "licenseId": license_id,
        "reservedUntil": until,
        "message": "License assigned successfully",
    }


def _leased(platform: Platform, user_id: str) -> tuple[str, int]:
    """Lease one; raises ConditionFailed if others were quicker with every one that looked free."""
    instance = instance_of(platform, user_id)
    if instance["status"] not in AT_REST:
        raise WrongState("given a licence", instance["status"], "One that runs has its licence.")
    refuse_start_if_spent(platform, instance)
    noted = platform.licenses.lease_of(user_id)
    until = rules.lease_until(noted, clock.now())
    if until is None:
        raise LeasedEnough(noted["until"] + rules.LEASE_SECONDS if noted else None)
    had = _had(platform, user_id, noted)
    if had and rules.may_use(had, user_id, clock.now()):
        return _lease(platform, user_id, had, until, noted)
    taken: list[License] = []
    quicker: ConditionFailed | None = None
    for license_id in _candidates(platform, instance):
        license = platform.licenses.find(license_id)
        if license is None:
            continue
        if not rules.may_use(license, user_id, clock.now()):
            taken.append(license)
            continue
        try:
            return _lease(platform, user_id, license, until, noted, had)
        except ConditionFailed as refused:
            quicker = refused
    raise quicker or pool_is_empty(taken)


def _candidates(platform: Platform, instance: Instance) -> Iterator[str]:
    own = instance.get("licenseId")
    if own:
        yield own
    yield from (license_id for license_id in pooled(platform) if license_id != own)


def _had(platform: Platform, user_id: str, noted: Lease | None) -> License | None:
    """The licence that the user has leased already."""
    now = clock.now()
    license = platform.licenses.find(noted["leased"]) if noted and noted["until"] > now else None
    return license if license and rules.is_leased_by(license, user_id, now) else None


def _lease(
    platform: Platform,
    user_id: str,
    license: License,
    until: int,
    noted: Lease | None,
    instead_of: License | None = None,
) -> tuple[str, int]:
    """Lease it for the user, who gives back what can no longer be used: one at a time."""
    now = clock.now()
    since = rules.leased_since(noted, now)
    operations = [
        platform.licenses.lease(license, user_id, until),
        platform.licenses.note_lease(user_id, license["licenseId"], since, until, noted),
    ]
    if instead_of:
        operations.append(platform.licenses.free(instead_of, now))
    transact(*operations)
    return license["licenseId"], until


ACTION = Action(
    RequestLicense,
    request_license,
    Scope.USER,
    Command("Hold a licence for a quarter of an hour, to start your server on"),
)
