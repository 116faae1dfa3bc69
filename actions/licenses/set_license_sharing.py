"""set-license-sharing: an owner puts the own licence into the pool, or takes it out.

Foundry's terms let a licence be lent within the owner's gaming group or family only (docs/sources.md, Foundry VTT).
"""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.errors import Conflict
from actions.licenses import rules
from actions.licenses.reassigning import reassign
from actions.lookup import instance_of
from actions.retrying import retry_on_conflict
from services import clock
from services.dynamodb import Attr, transact
from services.instances import WHOLE, Instance
from services.licenses import License, Window
from services.platform import Platform
from services.sessions import SessionStatus

_TERMS = "Foundry's terms allow lending it within your gaming group or family only."


class SetLicenseSharing(UserRequest):
    """Whether to share; when not, whether the sessions that have booked the licence still take place."""

    allow_license_sharing: bool
    after_sessions: bool = False


def set_license_sharing(request: SetLicenseSharing, platform: Platform) -> Answer:
    """Share the user's own licence, or no longer: at once, or after the sessions that reserve it.

    At once, sessions of others that have not begun move to another licence or are cancelled with a notice; one
    that is being played is never disturbed. Raises InstanceNotFound, Conflict without an own licence.
    """
    shared = retry_on_conflict(lambda: _set(request, platform))
    return {
        "success": True,
        "allowLicenseSharing": request.allow_license_sharing,
        "message": shared,
    }


def _set(request: SetLicenseSharing, platform: Platform) -> str:
    instance = instance_of(platform, request.user_id)
    own = instance.get("licenseId") if instance["status"] in WHOLE else None
    license = platform.licenses.find(own) if own else None
    if license is None:
        raise Conflict(
            "You have no licence of your own to share.",
            field="allowLicenseSharing",
            suggestion='Make your server with licenseType "byol" and a licence key.',
        )
    if request.allow_license_sharing:
        _write(platform, instance, license, {"pool": "shared"}, ("leaving",), shared=True)
        return f"Your licence is in the pool. {_TERMS}"
    others = _of_others(license)
    if request.after_sessions and others:
        _write(platform, instance, license, {"leaving": True}, (), shared=False)
        return "Your licence leaves the pool after the sessions that have reserved it"
    _write(platform, instance, license, {}, ("pool", "leaving"), shared=False)
    for window in others:
        session = platform.sessions.find(window["sessionId"])
        is_played = rules.is_played_by(license, window["userId"])
        if session and session["status"] == SessionStatus.SCHEDULED and not is_played:
            reassign(platform, session)
    return "Your licence is out of the pool"


def _of_others(license: License) -> list[Window]:
    coming = rules.coming(license, clock.now())
    return [window for window in coming if window["userId"] != license["ownerId"]]


def _write(
    platform: Platform,
    instance: Instance,
    license: License,
    values: dict[str, object],
    removed: tuple[str, ...],
    *,
    shared: bool,
) -> None:
    whole = Attr("status").is_in(list(WHOLE))
    if not shared and rules.is_leased(license, clock.now()):  # nobody else could start on it
        removed = (*removed, "holder", "holderUserId", "leaseUntil")
    transact(
        platform.licenses.change(license, values, removed),
        platform.instances.change(instance, whole, {"allowLicenseSharing": shared}),
    )


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
