"""destroy-instance: everything goes."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.errors import Busy, LicenseTaken
from actions.instances import farewell
from actions.instances.locking import refuse_if_busy
from actions.instances.teardown import tear_down
from actions.instances.transitions import mark_for_deletion
from actions.licenses import rules
from actions.lookup import instance_of
from services import clock
from services.dynamodb import ConditionFailed
from services.instances import Farewell, Instance
from services.locks import LOCK_SECONDS
from services.platform import Platform


class DestroyInstance(UserRequest):
    """Whose instance to destroy, and whether nothing of it is to be kept."""

    forget: bool = False


def destroy(request: DestroyInstance, platform: Platform) -> Answer:
    """Begin to destroy the instance, or carry on with it; what has to wait for a task goes on by itself.

    Its files are saved first, and its saves kept for some days (`keptUntil`), for which restore-instance brings it
    back; with `forget` nothing is kept. What is being put back is given up: it comes back as it was before. Raises
    InstanceNotFound, Busy, LicenseTaken while another member plays on the instance's licence.
    """
    instance = instance_of(platform, request.user_id)
    refuse_if_busy(instance)
    _refuse_if_lent(platform, instance)
    noted = farewell.begins(platform, instance, forget=request.forget)
    noted |= {"due": "instance", "dueAt": clock.now() + LOCK_SECONDS}
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


ACTION = Action(
    DestroyInstance,
    destroy,
    Scope.USER,
    Command(
        "Destroy your server; its saves are kept for a while",
        options={
            "forget": "Keep no saves either: nothing can be brought back",
        },
        warns="This destroys your server with all its files.",
    ),
)
