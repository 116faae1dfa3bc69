"""create-instance: all that a member's server needs, at rest and ready to start.

The item is written first, with the id from which every resource's name derives. Whatever is interrupted
is completed by calling again, or undone by the tick when nobody does.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, cast

from pydantic import Field, model_validator

from actions.action import Action, Answer, Scope, Secret
from actions.command import Command
from actions.errors import Busy, Conflict, InstanceExists, InvalidRequest, NothingToBringBack
from actions.instances.coming_back import comes_back, password_to_saves
from actions.instances.credentials import FORM, Credentials
from actions.instances.locking import Lock
from actions.instances.naming import labels, slug
from actions.instances.provisioning import provision
from actions.instances.versions import DEFAULT, Version
from actions.licenses.keys import claim_key, fingerprint_of
from actions.rates import counted_use, used_up
from services import clock, ids
from services.dynamodb import Attr, ConditionFailed, transact
from services.errors import NameTaken
from services.instances import Instance, InstanceStatus
from services.locks import is_locked, lock_fields
from services.platform import Platform
from services.saves import Departed

UNDO_SECONDS = 600  # how long a half-made instance waits for its owner to call again


Username = Annotated[str, Field(min_length=1, max_length=64)]


class Making(Credentials):
    """What the member gives for a server. Secrets go to Secrets Manager and nowhere else."""

    foundry_admin_key: Secret
    license_type: Literal["byol", "pooled"] = "byol"
    allow_license_sharing: bool = False

    @model_validator(mode="after")
    def _brings_license(self) -> Self:
        if self.license_type == "byol" and self.foundry_license is None:
            raise InvalidRequest(
                "A server of licenseType byol needs a licence key.",
                field="foundryLicense",
                suggestion='Give your key, or ask for licenseType "pooled".',
            )
        return self

    def fingerprint(self, mark: str) -> str | None:
        """What the key of the member's own licence is known by."""
        own = self.foundry_license if self.license_type == "byol" else None
        return fingerprint_of(own, mark) if own else None


class CreateInstance(Making):
    """Whose server, its name, its version of Foundry, and what every server needs."""

    username: Username
    foundry_version: Version = DEFAULT


def create(request: CreateInstance, platform: Platform) -> Answer:
    """Make the instance, or complete a half-made one. Raises InstanceExists, Busy, UsedUp."""
    return make(request, platform)


def make(request: CreateInstance, platform: Platform, departed: Departed | None = None) -> Answer:
    """Make the instance, or complete a half-made one; one that has `departed` comes back with its saves."""
    if request.foundry_username is None and not platform.settings.operator_secret_arn:
        raise InvalidRequest(
            "This platform has no foundryvtt.com account of its own to download Foundry with.",
            field="foundryUsername",
            suggestion="Give foundryUsername and foundryPassword of your account.",
        )
    lock, is_retry = _intend(request, platform, departed)
    with lock:
        if is_retry:
            _claim_once_more(lock, request)
        while True:
            try:
                secrets = request.secrets() | password_to_saves(platform, lock.instance)
                provision(lock, secrets, is_retry=is_retry)
                break
            except NameTaken:
                _take_next_name(lock)
                is_retry = True
    return {
        "success": True,
        "instanceUrl": f"https://{lock.instance['host']}",
        "message": "Instance created successfully",
    }


def _intend(
    request: CreateInstance, platform: Platform, departed: Departed | None
) -> tuple[Lock, bool]:
    """Record the intent under a host name of its own; True beside it when an earlier attempt is resumed."""
    lock_id, instance_id = ids.new_id(), ids.new_id()
    for label in labels(request.username, request.user_id):
        instance = _intended(request, platform, lock_id, instance_id, label)
        if departed:
            instance = cast("Instance", {**instance, **comes_back(departed)})
        operations = [
            platform.instances.put(instance, Attr("userId").not_exists()),
            platform.hosts.claim(instance["host"], request.user_id, instance_id),
            platform.counters.count(request.user_id, {InstanceStatus.CREATING: 1}),
            counted_use(platform, request.user_id, "creates"),
            *([platform.saves.take(departed, instance_id)] if departed else []),
        ]
        try:
            if claims := instance.get("licenseClaims"):
                claim_key(platform, instance, claims[0], *operations)
            else:
                transact(*operations)
        except ConditionFailed as refused:
            if 0 in refused.failed:
                return _resume(request, platform, lock_id), True
            if 3 in refused.failed:
                raise used_up(platform, "creates") from None
            if 4 in refused.failed and departed:
                raise NothingToBringBack from None
            continue  # somebody else's host name: take the next
        return Lock(platform, instance, lock_id, UNDO_SECONDS), False
    raise _no_name_left()


def _claim_once_more(lock: Lock, request: CreateInstance) -> None:
    """Claim the key of a repeated request, which may be another one than the interrupted request's."""
    platform, instance = lock.platform, lock.instance
    fingerprint = request.fingerprint(platform.settings.stack_mark)
    claims = instance.get("licenseClaims", [])
    if fingerprint is None or claims[-1:] == [fingerprint]:
        return
    former = [claim for claim in claims if claim != fingerprint]
    noted = {"licenseClaims": [*former, fingerprint]}  # the last one counts
    change = platform.instances.change(instance, lock.held, noted)
    claim_key(platform, instance, fingerprint, change)
    lock.instance = cast("Instance", {**instance, **noted})


def _take_next_name(lock: Lock) -> None:
    """Move the instance to the next host name that nobody has claimed, since the operator's zone has this one."""
    platform, instance = lock.platform, lock.instance
    after = iter(labels(instance["username"], instance["userId"]))
    for label in after:
        if label == instance["label"]:
            break
    for label in after:
        name = {"label": label, "host": f"{label}.{platform.settings.domain}"}
        try:
            transact(
                platform.instances.change(instance, lock.held, name),
                platform.hosts.claim(name["host"], instance["userId"], instance["instanceId"]),
                platform.hosts.release(instance["host"], instance["instanceId"]),
            )
        except ConditionFailed as refused:
            if 0 in refused.failed:
                raise
            continue
        lock.instance = cast("Instance", {**instance, **name})
        return
    raise _no_name_left()


def _no_name_left() -> Conflict:
    return Conflict("No host name could be found for this user name.", field="username")


def _intended(
    request: CreateInstance, platform: Platform, lock_id: str, instance_id: str, label: str
) -> Instance:
    now = clock.now()
    fingerprint = request.fingerprint(platform.settings.stack_mark)
    intended: Any = {
        "userId": request.user_id,
        "instanceId": instance_id,
        "username": request.username,
        "label": label,
        "host": f"{label}.{platform.settings.domain}",
        "s3BucketName": _bucket(platform.settings.stack_mark, label, request.user_id, instance_id),
        "status": InstanceStatus.CREATING,
        "statusSince": now,
        "createdAt": now,
        **lock_fields(lock_id, now),
        "due": "instance",
        "dueAt": now + UNDO_SECONDS,
        **_choices(request),
        **({"licenseClaims": [fingerprint]} if fingerprint else {}),
    }
    return cast("Instance", intended)


def _bucket(mark: str, label: str, user_id: str, instance_id: str) -> str:
    """A name of at most 63 characters that no other stack's bucket can have."""
    return f"foundry-{mark}-{label[:12].strip('-')}-{slug(user_id)}-{instance_id}"


def _choices(request: CreateInstance) -> dict[str, Any]:
    """What a repeated call may say differently from the interrupted one."""
    return {
        "foundryVersion": request.foundry_version,
        "licenseType": request.license_type,
        "allowLicenseSharing": request.allow_license_sharing,
        "operatorAccount": request.foundry_username is None,
    }


def _resume(request: CreateInstance, platform: Platform, lock_id: str) -> Lock:
    found = platform.instances.find(request.user_id)
    if found is None:
        raise Busy("unknown")  # destroyed between two reads
    if found["status"] != InstanceStatus.CREATING:
        raise InstanceExists(found["host"], found["status"])
    now = clock.now()
    if is_locked(found, now):
        raise Busy(InstanceStatus.CREATING)
    values = _choices(request) | {"dueAt": now + UNDO_SECONDS}
    if "repository" in found:  # it comes back as it was
        del values["foundryVersion"]
    try:
        half_made = Attr("status").eq(InstanceStatus.CREATING)
        locked = platform.instances.acquire(found, lock_id, now, half_made, values)
    except ConditionFailed as refused:
        raise Busy(InstanceStatus.CREATING) from refused
    return Lock(platform, locked, lock_id, UNDO_SECONDS)


ACTION = Action(
    CreateInstance,
    create,
    Scope.USER,
    Command(
        "Make your Foundry server",
        options={
            "foundry_version": "Which version of Foundry, such as 13",
            "license_type": "Bring a licence of your own, or play on the pool's",
            "allow_license_sharing": "Whether others may play on your licence while you do not",
        },
        form=FORM,
    ),
)
