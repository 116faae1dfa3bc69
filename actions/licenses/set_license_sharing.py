"""set-license-sharing: an owner puts the own licence into the pool, or takes it out.

Foundry's terms let a licence be lent within the owner's gaming group or family only (docs/sources.md, Foundry VTT).
"""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.errors import Conflict, InstanceNotFound
from actions.licenses import kept, rules
from actions.licenses.reassigning import move_sessions
from actions.licenses.reservations import out_of_the_pool
from actions.lookup import own_license
from actions.retrying import retry_on_conflict
from services import clock
from services.dynamodb import Attr, transact
from services.instances import WHOLE, Instance
from services.licenses import License
from services.platform import Platform

_TERMS = "Foundry's terms allow lending it within your gaming group or family only."


class SetLicenseSharing(UserRequest):
    """Whether to share; when not, whether the sessions that have booked the licence still take place."""

    allow_license_sharing: bool
    after_sessions: bool = False


def set_license_sharing(request: SetLicenseSharing, platform: Platform) -> Answer:
    """Share the user's own licence, or no longer: at once, or after the sessions that reserve it.

    At once, sessions of others that have not begun move to another licence or are cancelled with a notice; one
    that is being played is never disturbed. One that was left in the pool when its server was destroyed
    (destroy-instance, `keepLicenseSharing`) is forgotten with its key as soon as nobody plays on it. Raises
    InstanceNotFound, Conflict without an own licence, or while its server goes and it is to stay.
    """
    shared = retry_on_conflict(lambda: _set(request, platform))
    return {
        "success": True,
        "allowLicenseSharing": request.allow_license_sharing,
        "message": shared,
    }


def _set(request: SetLicenseSharing, platform: Platform) -> str:
    instance = platform.instances.find(request.user_id)
    own = own_license(platform, instance) if instance and instance["status"] in WHOLE else None
    left = platform.licenses.kept_by(request.user_id)
    if own is None and left is None:
        if instance is None:
            raise InstanceNotFound(request.user_id)
        if "keepsLicense" in instance:
            raise Conflict(
                "Your server is being destroyed; its licence stays in the pool.",
                field="allowLicenseSharing",
                suggestion="Take it back when the server is gone: its files are saved before.",
            )
        raise Conflict(
            "You have no licence of your own to share.",
            field="allowLicenseSharing",
            suggestion='Make your server with licenseType "byol" and a licence key.',
        )
    if request.allow_license_sharing:
        return _share(platform, instance, own, left)
    both = [(license, instance if license is own else None) for license in (own, left) if license]
    told = [_withdraw(platform, *each, after=request.after_sessions) for each in both]
    return ". ".join(told)


def _share(
    platform: Platform, instance: Instance | None, own: License | None, left: License | None
) -> str:
    """Put the own licence into the pool, or let one stay that was to leave it."""
    if own:
        _write(platform, own, {"pool": "shared"}, ("leaving",), instance, shared=True)
    elif left and left.get("pool") == "shared":
        _write(platform, left, {}, ("leaving",), None, shared=True)
    else:
        raise Conflict(
            "Your licence is being taken back.",
            field="allowLicenseSharing",
            suggestion="Make a server with its key once nobody plays on it any more.",
        )
    return f"Your licence is in the pool. {_TERMS}"


def _withdraw(
    platform: Platform, license: License, instance: Instance | None, *, after: bool
) -> str:
    """Take a licence out of the pool; `after` the sessions of others that have booked it."""
    others = [w for w in rules.coming(license, clock.now()) if w["userId"] != license["ownerId"]]
    if after and others and license.get("pool") != "ending":
        _write(platform, license, {"leaving": True}, (), instance, shared=False)
        return "Your licence leaves the pool after the sessions that have reserved it"
    _write(platform, license, *out_of_the_pool(license), instance, shared=False)
    if "kept" not in license:
        move_sessions(platform, license, others)
        return "Your licence is out of the pool"
    kept.end(platform, license["licenseId"])
    left = "The licence that you had left is out of the pool"
    if platform.licenses.find(license["licenseId"]):
        return f"{left}; its key is forgotten once nobody plays on it any more"
    return f"{left}, and its key is forgotten"


def _write(
    platform: Platform,
    license: License,
    values: dict[str, object],
    removed: tuple[str, ...],
    instance: Instance | None,
    *,
    shared: bool,
) -> None:
    """Change a licence, and what its owner's server says of it, if it has one."""
    if not shared and rules.is_leased(license, clock.now()):  # nobody else could start on it
        removed = (*removed, "holder", "holderUserId", "leaseUntil")
    operations = [platform.licenses.change(license, values, removed)]
    if instance:
        whole = Attr("status").is_in(list(WHOLE))
        said = {"allowLicenseSharing": shared}
        operations.append(platform.instances.change(instance, whole, said))
    transact(*operations)


ACTION = Action(
    SetLicenseSharing,
    set_license_sharing,
    Scope.USER,
    Command(
        "Whether others may play on your licence",
        options={
            "allow_license_sharing": "Whether they may",
            "after_sessions": "Only once the sessions that are booked on it are over",
        },
    ),
)
