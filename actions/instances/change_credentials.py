"""change-credentials: another licence key, admin key or account, from the next start on."""

from __future__ import annotations

from typing import Any

from pydantic import SecretStr, model_validator

from actions.action import Action, Answer, Scope
from actions.command import Command
from actions.errors import (
    Busy,
    ChangesNothing,
    Conflict,
    InstanceNotFound,
    LicenseTaken,
    WrongState,
)
from actions.instances.credentials import FORM, Credentials, put_in_place
from actions.instances.locking import Lock, lock_instance, refuse_if_busy
from actions.instances.renewing import put_version_in
from actions.licenses import rules
from actions.licenses.keys import claim_key, fingerprint_of
from actions.lookup import instance_of
from services import clock
from services.dynamodb import Attr, ConditionFailed
from services.instances import AT_REST, Instance
from services.licenses import License
from services.locks import LOCK_SECONDS
from services.platform import Platform


class ChangeCredentials(Credentials):
    """What is to be changed; what is not given stays."""

    @model_validator(mode="after")
    def _changes_something(self) -> ChangeCredentials:
        if not self.secrets():
            raise ChangesNothing(
                "foundryAdminKey",
                "Give foundryLicense, foundryAdminKey, or foundryUsername with foundryPassword.",
            )
        return self


def change_credentials(request: ChangeCredentials, platform: Platform) -> Answer:
    """Put them in place of the old ones, which are gone. The worlds and all else stay.

    Raises InstanceNotFound, WrongState unless the server is at rest, Busy, Conflict for a key without a licence of
    one's own, LicenseTaken for another member's key or while somebody plays on the licence.
    """
    instance = instance_of(platform, request.user_id)
    refuse_if_busy(instance)
    if request.foundry_license and "licenseId" not in instance:
        raise Conflict(
            "Your server runs on licences of the pool.",
            field="foundryLicense",
            suggestion='To bring your own, make a server with licenseType "byol".',
        )
    with _lock(platform, instance, request) as lock:
        if request.foundry_license:
            _claim(lock, request.foundry_license)
        put_in_place(lock, request.secrets())
        put_version_in(lock)
    return {"success": True, "message": "They are used from the next start on"}


def _lock(platform: Platform, instance: Instance, request: ChangeCredentials) -> Lock:
    """The lock on the instance at rest, which starts only when it is given back, or the tick has finished."""
    values: dict[str, Any] = {
        "renews": True,
        "due": "instance",
        "dueAt": clock.now() + LOCK_SECONDS,
    }
    if request.foundry_username:
        values["operatorAccount"] = False
    try:
        return lock_instance(platform, instance, Attr("status").is_in(list(AT_REST)), values)
    except ConditionFailed as refused:
        if not refused.found:
            raise InstanceNotFound(request.user_id) from refused
        status = refused.found["status"]
        if status in AT_REST:
            raise Busy(status) from refused
        raise WrongState("given other credentials", status, "Stop the server first.") from refused


def _claim(lock: Lock, key: SecretStr) -> None:
    """Claim another key for the member, and keep everybody off the licence until one of the two is dropped."""
    platform, instance = lock.platform, lock.instance
    fingerprint = fingerprint_of(key, platform.settings.stack_mark)
    former = [claim for claim in instance.get("licenseClaims", []) if claim != fingerprint]
    if not former:
        return
    claims = [*former, fingerprint]
    claim_key(
        platform,
        instance,
        fingerprint,
        platform.instances.change(instance, lock.held, {"licenseClaims": claims}),
        platform.licenses.rekey(_own_license(platform, instance)),
    )
    lock.instance = {**instance, "licenseClaims": claims}


def _own_license(platform: Platform, instance: Instance) -> License:
    license = platform.licenses.find(instance["licenseId"])
    if license is None or rules.is_played_on(license, instance["userId"]):
        raise LicenseTaken(
            "Another member's server is running on your licence.",
            suggestion="Change its key when that server has stopped.",
        )
    return license


ACTION = Action(
    ChangeCredentials,
    change_credentials,
    Scope.USER,
    Command("Change the licence key, passwords or account of your server", form=FORM),
)
