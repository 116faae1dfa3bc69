"""update-version: another version of Foundry, from the next start on."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.errors import WrongState
from actions.instances.locking import refuse_if_busy, working
from actions.instances.running import renew_definition
from actions.instances.versions import Version
from actions.lookup import instance_of
from services import clock, ids
from services.dynamodb import Attr, ConditionFailed, transact
from services.instances import AT_REST, WORK_SECONDS, Instance
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
    worker, now = ids.new_id(), clock.now()
    at_rest = Attr("status").is_in(list(AT_REST))
    wanted = {"foundryVersion": request.foundry_version, "due": "instance"}
    try:
        taken = platform.instances.take(
            instance, worker, now, at_rest, wanted | {"dueAt": now + WORK_SECONDS}
        )
    except ConditionFailed as refused:
        status = refused.found.get("status", "unknown")
        raise WrongState("given another version", status, "Stop the server first.") from refused
    with working(platform, taken, worker):
        renew(platform, taken, worker)
    return {
        "success": True,
        "foundryVersion": request.foundry_version,
        "message": f"Foundry {request.foundry_version} is used from the next start on",
    }


def renew(platform: Platform, instance: Instance, worker: str) -> None:
    """Make the task definition agree with the instance's version and give up the work."""
    license_id = instance.get("taskDefinitionLicense", "")
    found = platform.licenses.find(license_id) if license_id else None
    secret = found["secretArn"] if found else None
    renew_definition(platform, instance, worker, license_id if found else "", secret)
    mine = Attr("worker").eq(worker)
    done = ("worker", "workerUntil", "due", "dueAt")
    values = {"foundryVersion": instance["foundryVersion"]}
    transact(platform.instances.change(instance, mine, values, done))


ACTION = Action(UpdateVersion, update_version, Scope.USER)
