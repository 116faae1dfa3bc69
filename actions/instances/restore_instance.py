"""restore-instance: a server that was destroyed lately, with all its files, also under another name."""

from __future__ import annotations

from actions.action import Action, Answer, Scope
from actions.command import Command
from actions.errors import InstanceExists, NothingToBringBack
from actions.instances.create import CreateInstance, Making, Username, make
from actions.instances.credentials import FORM
from actions.instances.file_work import carry_on_now
from services.instances import Instance, InstanceStatus
from services.platform import Platform
from services.saves import Departed


class RestoreInstance(Making):
    """Whose server, what it is called unless as before, and the keys, which were forgotten with it."""

    username: Username | None = None


def restore_instance(request: RestoreInstance, platform: Platform) -> Answer:
    """Make the server anew and have its files put back; it starts when they are. Its version is what it was.

    Raises NothingToBringBack, InstanceExists, Busy, UsedUp.
    """
    found = platform.instances.find(request.user_id)
    departed = None if found else platform.saves.comes_back_first(request.user_id)
    answer = make(_as_new(request, _former(found, departed)), platform, departed)
    made = platform.instances.find(request.user_id)
    if made:
        carry_on_now(platform, made)
    return answer | {"message": "The server is there again; its files are being put back"}


def _former(found: Instance | None, departed: Departed | None) -> tuple[str, str]:
    """Name and version of what comes back, or comes back already."""
    if departed:
        return departed["username"], departed["choices"]["foundryVersion"]
    if found is None:
        raise NothingToBringBack
    if found["status"] != InstanceStatus.CREATING or "repository" not in found:
        raise InstanceExists(found["host"], found["status"])
    return found["username"], found["foundryVersion"]


def _as_new(request: RestoreInstance, former: tuple[str, str]) -> CreateInstance:
    given = request.model_dump(exclude={"username"})
    name, version = former
    # What has been checked already, and the version that was taken then.
    return CreateInstance.model_construct(
        **given, username=request.username or name, foundry_version=version
    )


ACTION = Action(
    RestoreInstance,
    restore_instance,
    Scope.USER,
    Command(
        "Bring your destroyed server back, with its files",
        options={
            "license_type": "Bring a licence of your own, or play on the pool's",
            "allow_license_sharing": "Whether others may play on your licence while you do not",
        },
        form=FORM,
    ),
)
