"""update-version: another version of Foundry, from the next start on."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.errors import WrongState
from actions.instances.locking import lock_instance, refuse_if_busy
from actions.instances.renewing import put_version_in
from actions.instances.versions import Version
from actions.lookup import instance_of
from services import clock
from services.dynamodb import Attr, ConditionFailed
from services.instances import AT_REST, LOCK_SECONDS
from services.platform import Platform


class UpdateVersion(UserRequest):
    """Whose instance gets which version."""

    foundry_version: Version


def update_version(request: UpdateVersion, platform: Platform) -> Answer:
    """Give an instance at rest a task definition with the version's image.

    Raises InstanceNotFound, WrongState unless it is at rest, Busy.
    """
    instance = instance_of(platform, request.user_id)
    refuse_if_busy(instance)
    at_rest = Attr("status").is_in(list(AT_REST))
    wanted = {"foundryVersion": request.foundry_version, "due": "instance"}
    try:
        lock = lock_instance(
            platform, instance, at_rest, wanted | {"dueAt": clock.now() + LOCK_SECONDS}
        )
    except ConditionFailed as refused:
        status = refused.found.get("status", "unknown")
        raise WrongState("given another version", status, "Stop the server first.") from refused
    with lock:
        put_version_in(lock)
    return {
        "success": True,
        "foundryVersion": request.foundry_version,
        "message": f"Foundry {request.foundry_version} is used from the next start on",
    }


ACTION = Action(UpdateVersion, update_version, Scope.USER)
