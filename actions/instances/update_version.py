"""update-version: another version of Foundry, from the next start on."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.errors import Busy, Conflict, InstanceNotFound, WrongState
from actions.instances.locking import lock_instance, refuse_if_busy
from actions.instances.renewing import put_version_in
from actions.instances.versions import Version, is_way_down
from actions.lookup import instance_of
from services import clock
from services.dynamodb import Attr, ConditionFailed
from services.instances import AT_REST, Instance, InstanceStatus
from services.locks import LOCK_SECONDS
from services.platform import Platform

_STOP = "Stop the server first."
_WAY_OUT = {
    InstanceStatus.CREATING: "Call create-instance again to finish making it.",
    InstanceStatus.DESTROYING: "Wait until it is gone, then make a new one.",
}


class UpdateVersion(UserRequest):
    """Whose instance gets which version."""

    foundry_version: Version


def update_version(request: UpdateVersion, platform: Platform) -> Answer:
    """Give an instance at rest a task definition with the version's image.

    A major version stands for its newest build at the next start; what runs then is started again from there on.
    Raises InstanceNotFound, Conflict for an older one, WrongState unless it is at rest, Busy.
    """
    instance = instance_of(platform, request.user_id)
    refuse_if_busy(instance)
    wanted = request.foundry_version
    _refuse_way_down(instance, wanted)
    build = Attr("foundryBuild")
    as_seen = (
        build.eq(instance["foundryBuild"]) if "foundryBuild" in instance else build.not_exists()
    )
    at_rest = Attr("status").is_in(list(AT_REST)) & as_seen
    try:
        lock = lock_instance(
            platform,
            instance,
            at_rest,
            {
                "foundryVersion": wanted,
                "imageTag": wanted,
                "renews": True,
                "due": "instance",
                "dueAt": clock.now() + LOCK_SECONDS,
            },
        )
    except ConditionFailed as refused:
        if not refused.found:
            raise InstanceNotFound(request.user_id) from refused
        status = refused.found["status"]
        if status in AT_REST:
            raise Busy(status) from refused  # it has run meanwhile
        raise WrongState("given another version", status, _WAY_OUT.get(status, _STOP)) from refused
    with lock:
        put_version_in(lock)
    return {
        "success": True,
        "foundryVersion": wanted,
        "message": f"Foundry {wanted} is used from the next start on",
    }


def _refuse_way_down(instance: Instance, wanted: str) -> None:
    started = instance["foundryVersion"] if "lastStarted" in instance else wanted
    newest = instance.get("foundryBuild", started)
    if is_way_down(wanted, newest):
        raise Conflict(
            f"Foundry {newest} has run on this server: its worlds have been migrated, and an older version"
            " cannot open them.",
            field="foundryVersion",
            value=wanted,
            suggestion=f"Ask for {newest} or newer.",
        )


ACTION = Action(UpdateVersion, update_version, Scope.USER)
