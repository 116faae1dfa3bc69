"""A destroyed server comes back: another instance, with the former one's repository, from which its files come."""

from __future__ import annotations

from typing import Any

from actions.instances.file_decisions import decided
from actions.instances.file_definition import PASSWORD
from services.dynamodb import Operation
from services.instances import FileWorkKind, Instance, repository_of
from services.platform import Platform
from services.saves import Departed, SaveKind


def comes_back(departed: Departed) -> dict[str, Any]:
    """What an instance notes from the beginning that comes back: what it is to be, and where its saves are."""
    choices = dict(departed["choices"])
    return {
        "comesBack": {
            "snapshot": departed["newest"],
            "lastStarted": choices.pop("lastStarted", departed["at"]),
        },
        **choices,
        "repository": departed["saveId"],
        "passwordOf": departed["secretOf"],
    }


def password_to_saves(platform: Platform, instance: Instance) -> dict[str, str]:
    """The password of its repository, for the secret of an instance that comes back; of others, nothing."""
    if "passwordOf" not in instance:
        return {}
    return {PASSWORD: platform.secrets.read_own(instance["passwordOf"])[PASSWORD]}


def files_come_back(instance: Instance) -> dict[str, Any]:
    """What it notes once it is made: that its files are to be put back. There are none yet to be saved before."""
    restores = {"snapshot": instance["comesBack"]["snapshot"], "all": "yes"}
    saved = instance["lastSave"]["saveId"]
    return decided(FileWorkKind.RESTORE, SaveKind.BEFORE_RESTORE, restores=restores, saved=saved)


def has_come_back(platform: Platform, instance: Instance) -> list[Operation]:
    """The operations by which nothing is left of the former instance any more."""
    if "repository" not in instance:
        return []
    return [platform.saves.forget_departed(instance["userId"], repository_of(instance))]


def drop_former_secret(platform: Platform, instance: Instance) -> None:
    """Delete the former instance's secret, whose password is now in its own. Repeating it is harmless."""
    if "passwordOf" in instance:
        platform.secrets.delete(instance["passwordOf"])
