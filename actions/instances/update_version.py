"""update-version: another version of Foundry, from the next start on."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.errors import Busy, Conflict, FilesBusy, InstanceNotFound, WrongState
from actions.instances.deciding import decide
from actions.instances.fitness import unfit
from actions.instances.locking import lock_instance, refuse_if_busy
from actions.instances.renewing import put_version_in
from actions.instances.versions import Version, is_way_down
from actions.lookup import instance_of
from services import clock
from services.dynamodb import Attr, ConditionFailed
from services.instances import (
    AT_REST,
    FileWorkKind,
    Instance,
    InstanceStatus,
    is_being_restored,
    repository_of,
)
from services.locks import LOCK_SECONDS
from services.platform import Platform
from services.saves import Package, SaveKind

_STOP = "Stop the server first."
_WAY_OUT = {
    InstanceStatus.CREATING: "Call create-instance again to finish making it.",
    InstanceStatus.DESTROYING: "Wait until it is gone, then make a new one.",
}


class UpdateVersion(UserRequest):
    """Whose instance gets which version."""

    foundry_version: Version


def update_version(request: UpdateVersion, platform: Platform) -> Answer:
    """Give an instance at rest another version of Foundry, once it has been saved.

    A major version stands for its newest build at the next start; what runs then is started again from there on.
    `unfit` are the packages that do not say of themselves that they work with it. For 14 days undo-update takes all
    of it back. Raises InstanceNotFound, Conflict for an older one, WrongState unless it is at rest, Busy,
    FilesBusy, UsedUp.
    """
    instance = instance_of(platform, request.user_id)
    refuse_if_busy(instance)
    if is_being_restored(instance):
        raise FilesBusy  # nobody knows yet what has run on the files that come
    wanted = request.foundry_version
    _refuse_way_down(instance, wanted)
    if "lastStarted" in instance and any(platform.settings.kept):
        return _saved_first(platform, instance, wanted)
    _change(platform, instance, wanted)
    return {
        "success": True,
        "foundryVersion": wanted,
        "message": f"Foundry {wanted} is used from the next start on",
    }


def _saved_first(platform: Platform, instance: Instance, wanted: str) -> Answer:
    """Decide that the server is saved, and then gets the version: if it cannot be saved, nothing changes."""
    decide(platform, instance, FileWorkKind.UPDATE, SaveKind.BEFORE_UPDATE, version=wanted)
    found = unfit(_packages(platform, instance), wanted)
    return {
        "success": True,
        "foundryVersion": wanted,
        "unfit": found,
        "message": f"The server is saved, then Foundry {wanted} is used from the next start on: 14 days on trial",
    }


def _packages(platform: Platform, instance: Instance) -> list[Package]:
    """Those of the newest save."""
    last = instance.get("lastSave")
    save = platform.saves.find(repository_of(instance), last["saveId"]) if last else None
    return save.get("packages", []) if save else []


def _change(platform: Platform, instance: Instance, wanted: str) -> None:
    """Change it at once, since there are no files yet that it could harm, or the operator has no saves made."""
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
            raise InstanceNotFound(instance["userId"]) from refused
        status = refused.found["status"]
        if status in AT_REST:
            raise Busy(status) from refused  # it has run meanwhile
        raise WrongState("given another version", status, _WAY_OUT.get(status, _STOP)) from refused
    with lock:
        put_version_in(lock)


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


ACTION = Action(
    UpdateVersion,
    update_version,
    Scope.USER,
    Command(
        "Take another version of Foundry; the files are saved first",
        options={
            "foundry_version": "Which version, such as 14 or 14.365",
        },
    ),
)
