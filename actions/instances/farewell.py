"""The last save of a server that is being destroyed, and what is left of it: for a while it can come back."""

from __future__ import annotations

from typing import Any

from actions.instances.coming_back import drop_former_secret
from actions.instances.file_decisions import has_files, is_saved
from actions.instances.file_definition import PASSWORD
from actions.licenses import rules
from actions.lookup import own_license
from services import clock
from services.dynamodb import Operation
from services.instances import Farewell, Instance, InstanceStatus, repository_of
from services.licenses import License
from services.platform import Platform
from services.saves import Departed, departed_name

# What its member has chosen, and what is known of its files: a server that comes back has all of it.
_COME_BACK = (
    "foundryVersion",
    "foundryBuild",
    "imageTag",
    "idleSeconds",
    "memory",
    "world",
    "wake",
    "lastStarted",
    "lastSave",
    "lastArrival",
)


def begins(platform: Platform, instance: Instance, *, forget: bool) -> dict[str, Any]:
    """What an instance notes that is to be destroyed: whether its files are saved first, its saves kept at all."""
    if forget or not (any(platform.settings.kept) and platform.settings.departed_seconds):
        return {"farewell": Farewell.FORGOTTEN, "emptied": False}  # what was kept so far goes, too
    if instance["status"] == InstanceStatus.DESTROYING:
        return {}  # as it was decided
    if not has_files(instance):
        return {"farewell": Farewell.SAVED if "repository" in instance else Farewell.FORGOTTEN}
    return {"farewell": Farewell.SAVED if _has_all_saved(instance) else Farewell.WANTED}


def _has_all_saved(instance: Instance) -> bool:
    """Whether its newest save has all; of what is being erased or put back after it, nothing is to be saved."""
    is_only_a_save = "asleep" in instance or "saved" in instance.get("work", {})
    return is_only_a_save or is_saved(instance)


def keeps_saves(instance: Instance) -> bool:
    """Whether the saves of an instance that is being destroyed stay; so they do if it never quite came back."""
    default = Farewell.SAVED if "repository" in instance else Farewell.FORGOTTEN
    return instance.get("farewell", default) == Farewell.SAVED and "lastSave" in instance


def kept_license(platform: Platform, instance: Instance) -> License | None:
    """The licence that stays in the pool after the instance, if its member has asked for that."""
    license = own_license(platform, instance) if "keepsLicense" in instance else None
    return license if license and rules.is_shared(license) else None


def reduce_secret(platform: Platform, instance: Instance, *, with_key: bool) -> None:
    """Let an instance's secret hold nothing that is not needed any more. Repeating it is harmless.

    With saves that are kept, that is the password of their repository; of one that has not quite come back, the
    former one's secret stays if it alone holds the password. `with_key`, it is the licence's key alone, where tasks
    that borrow it look for it, and the password has a secret of its own: one of the two may go before the other.
    """
    secrets, name, keeps = platform.secrets, instance["instanceId"], keeps_saves(instance)
    stored, former = secrets.read_own(name), _former_holds_password(platform, instance, with_key)
    password = {PASSWORD: stored[PASSWORD]} if keeps and PASSWORD in stored else None
    if with_key:
        if password:
            secrets.make(_of_saves(name), password)
        elif not keeps:
            secrets.delete(_of_saves(name))
        secrets.replace(name, {"licenseKey": stored["licenseKey"]})
    elif password:
        secrets.replace(name, password)
    else:
        secrets.delete(name)
    if not (keeps and former):
        drop_former_secret(platform, instance)


def _former_holds_password(platform: Platform, instance: Instance, with_key: bool) -> bool:
    """Whether only the secret of the one that it comes back for holds the password of its repository."""
    if "passwordOf" not in instance:
        return False
    own = instance["instanceId"]
    names = (own, _of_saves(own)) if with_key else (own,)
    return all(PASSWORD not in platform.secrets.read_own(name) for name in names)


def _holds_password(platform: Platform, instance: Instance) -> str:
    """The name of the secret with the password of its repository, as reduce_secret has left it."""
    with_key, own = kept_license(platform, instance) is not None, instance["instanceId"]
    if _former_holds_password(platform, instance, with_key):
        return instance["passwordOf"]
    return _of_saves(own) if with_key else own


def _of_saves(name: str) -> str:
    return f"{name}-saves"


def departs(platform: Platform, instance: Instance) -> list[Operation]:
    """The operations that note what is left of a destroyed instance, if anything is."""
    if not keeps_saves(instance):
        return []
    now, stored = clock.now(), dict(instance)
    if "comesBack" in instance:
        stored["lastStarted"] = instance["comesBack"]["lastStarted"]
    last = platform.saves.find(repository_of(instance), instance["lastSave"]["saveId"])
    if last is None:
        return []
    departed: Departed = {
        "repository": departed_name(instance["userId"]),
        "saveId": repository_of(instance),
        "userId": instance["userId"],
        "username": instance["username"],
        "at": now,
        "until": now + platform.settings.departed_seconds,
        "secretOf": _holds_password(platform, instance),
        "newest": last["snapshot"],
        "choices": {name: stored[name] for name in _COME_BACK if name in stored},
    }
    return [platform.saves.depart(departed)]
