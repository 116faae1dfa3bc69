"""destroy-instance: everything goes, but for saves, and for a licence that its owner leaves to the others.

A licence that stays is taken back by set-license-sharing. Until then, and until nobody plays on it any more, its
key makes no other server.
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
from actions.lookup import instance_of, own_license
from services import clock
from services.dynamodb import ConditionFailed
from services.instances import WHOLE, Farewell, Instance, InstanceStatus
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
    noted = farewell.begins(platform, instance, forget=request.forget)
    noted |= {"due": "instance", "dueAt": clock.now() + LOCK_SECONDS}
    if request.keep_license_sharing and "keepsLicense" not in instance:
        _refuse_to_keep(platform, instance)
        noted["keepsLicense"] = True
    elif "keepsLicense" not in instance:
        _refuse_if_lent(platform, instance)
    try:
        lock = mark_for_deletion(platform, instance, noted)
    except ConditionFailed as refused:
        raise Busy(instance["status"]) from refused
    license_stays = farewell.kept_license(platform, lock.instance) is not None
    with lock:
        gone = tear_down(lock)
    if gone:
        message = "Instance and all resources destroyed successfully"
    else:
        message = "Instance is being destroyed; its last resources go when its tasks have ended"
    if license_stays:
        message += (
            ". Your licence stays in the pool until you take it back with set-license-sharing"
        )
    kept = noted.get("farewell", instance.get("farewell")) in (Farewell.WANTED, Farewell.SAVED)
    until = clock.now() + platform.settings.departed_seconds
    return {"success": True, "message": message, **({"keptUntil": until} if kept else {})}


def _refuse_if_lent(platform: Platform, instance: Instance) -> None:
    lent = own_license(platform, instance)
    if lent and rules.is_played_on(lent, instance["userId"]):
        raise LicenseTaken(
            "Another member's server is running on your licence.",
            suggestion="Try again when that server has stopped.",
        )


def _refuse_to_keep(platform: Platform, instance: Instance) -> None:
    """Raise Conflict if no licence can stay, or another one stays already; Busy while that is not known."""
    if instance["status"] == InstanceStatus.DESTROYING:
        why = "The server is being destroyed already, with its licence."
        raise _none_stays(why, "Share the licence with your next server")
    license = own_license(platform, instance)
    if instance["status"] not in WHOLE or (license and "rekeying" in license):
        raise Busy(instance["status"])
    if license is None or "pool" not in license:
        why = "Your server has no licence that others may play on."
        raise _none_stays(why, "Share it first with set-license-sharing")
    if not rules.is_shared(license):
        why = "Your licence leaves the pool after the sessions that have reserved it."
        raise _none_stays(why, "Share it again with set-license-sharing")
    left = platform.licenses.kept_by(instance["userId"])
    if left and left.get("pool") == "ending":
        why = "The licence that you had left is still being played on; only one can stay."
        raise _none_stays(why, "Try again when that is over")
    if left:
        why = "You have left a licence in the pool already; only one can stay."
        raise _none_stays(
            why, "set-license-sharing takes back both: then share this one again and try again"
        )


def _none_stays(why: str, way_out: str) -> Conflict:
    suggestion = f"{way_out}, or destroy the server without it."
    return Conflict(why, field="keepLicenseSharing", suggestion=suggestion)


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
