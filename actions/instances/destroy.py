"""destroy-instance: everything goes, but for saves, and for a licence that its owner leaves to the others.

A licence that stays is taken back by set-license-sharing; until then its key makes no other server.
"""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.errors import Busy, Conflict, LicenseTaken
from actions.instances import farewell
from actions.instances.locking import refuse_if_busy
from actions.instances.teardown import tear_down
from actions.instances.transitions import mark_for_deletion
from actions.licenses import rules
from actions.lookup import instance_of
from services import clock
from services.dynamodb import ConditionFailed
from services.instances import WHOLE, Farewell, Instance
from services.locks import LOCK_SECONDS
from services.platform import Platform


class DestroyInstance(UserRequest):
    """Whose instance to destroy, whether no save of it is to be kept, and whether its licence stays in the pool."""

    forget: bool = False
    keep_license_sharing: bool = False


def destroy(request: DestroyInstance, platform: Platform) -> Answer:
    """Begin to destroy the instance, or carry on with it; what has to wait for a task goes on by itself.

    Its files are saved first, and its saves kept for some days (`keptUntil`), for which restore-instance brings it
    back; with `forget` nothing is kept. What is being put back is given up: it comes back as it was before. Raises
    InstanceNotFound, Busy, LicenseTaken while another member plays on the instance's licence.

    With `keepLicenseSharing` the licence stays in the pool, with whoever plays on it and has booked it, until its
    owner takes it back by set-license-sharing. Raises Conflict for one that is not in the pool.
    """
    instance = instance_of(platform, request.user_id)
    refuse_if_busy(instance)
    keeps_license = "keepsLicense" in instance
    if request.keep_license_sharing and not keeps_license:
        _refuse_to_keep(platform, instance)
        keeps_license = True
    if not keeps_license:
        _refuse_if_lent(platform, instance)
    noted = farewell.begins(platform, instance, forget=request.forget)
    noted |= {"due": "instance", "dueAt": clock.now() + LOCK_SECONDS}
    noted |= {"keepsLicense": True} if keeps_license else {}
    try:
        lock = mark_for_deletion(platform, instance, noted)
    except ConditionFailed as refused:
        raise Busy(instance["status"]) from refused
    with lock:
        gone = tear_down(lock)
    if gone:
        message = "Instance and all resources destroyed successfully"
    else:
        message = "Instance is being destroyed; its last resources go when its tasks have ended"
    if keeps_license:
        message += (
            ". Your licence stays in the pool until you take it back with set-license-sharing"
        )
    kept = noted.get("farewell", instance.get("farewell")) in (Farewell.WANTED, Farewell.SAVED)
    until = clock.now() + platform.settings.departed_seconds
    return {"success": True, "message": message, **({"keptUntil": until} if kept else {})}


def _refuse_if_lent(platform: Platform, instance: Instance) -> None:
    license_id = instance.get("licenseId")
    lent = platform.licenses.find(license_id) if license_id else None
    if lent and rules.is_played_on(lent, instance["userId"]):
        raise LicenseTaken(
            "Another member's server is running on your licence.",
            suggestion="Try again when that server has stopped.",
        )


def _refuse_to_keep(platform: Platform, instance: Instance) -> None:
    """Raise Conflict if there is no licence that could stay, or another one stays already."""
    own = instance.get("licenseId") if instance["status"] in WHOLE else None
    license = platform.licenses.find(own) if own else None
    if license is None or not rules.is_shared(license) or "rekeying" in license:
        raise Conflict(
            "Your server has no licence that others may play on.",
            field="keepLicenseSharing",
            suggestion="Share it first with set-license-sharing, or destroy the server without it.",
        )
    if platform.licenses.kept_by(instance["userId"]):
        raise Conflict(
            "You have left a licence in the pool already.",
            field="keepLicenseSharing",
            suggestion="Take that one back first with set-license-sharing, or destroy the server without it.",
        )


ACTION = Action(
    DestroyInstance,
    destroy,
    Scope.USER,
    Command(
        "Destroy your server; its saves are kept for a while",
        options={
            "forget": "Keep no saves either: nothing can be brought back",
            "keep_license_sharing": "Leave your licence in the pool, for the others",
        },
        warns="This destroys your server with all its files.",
    ),
)
