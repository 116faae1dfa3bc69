"""list-saves: a member's saves, the newest first, each with what had changed since the one before.

At most `limit`; where there are more, `next` in the answer is what to send for those that follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from itertools import pairwise
from typing import Any

from actions.action import Action, Answer, Scope
from actions.command import Command
from actions.errors import InstanceNotFound
from actions.paging import ListRequest, paged
from actions.saves.finding import shown_departed
from services.instances import repository_of
from services.platform import Platform
from services.saves import Save

_SHOWN = (
    "saveId",
    "kind",
    "label",
    "locked",
    "at",
    "bytes",
    "addedBytes",
    "files",
    "build",
    "clean",
    "packages",
)


class ListSaves(ListRequest):
    """Whose saves."""


def list_saves(request: ListSaves, platform: Platform) -> Answer:
    """A page of the member's saves, the newest first; without a server, of what restore-instance brings back.

    `departed` then says what that is, and until when it can be had. Raises InstanceNotFound, InvalidRequest.
    """
    instance = platform.instances.find(request.user_id)
    departed = None if instance else platform.saves.comes_back_first(request.user_id)
    if instance:
        repository = repository_of(instance)
    elif departed:
        repository = departed["saveId"]
    else:
        raise InstanceNotFound(request.user_id)
    found, more = paged(request, partial(platform.saves.listed, repository, request.limit))
    before = platform.saves.before(found[-1]) if found else None
    return {
        "success": True,
        "saves": [
            _shown(save, former)
            for save, former in pairwise([*found, before])
            if save and "leaving" not in save
        ],
        **({"departed": shown_departed(departed)} if departed else {}),
        **more,
    }


def _shown(save: Save, former: Save | None) -> Answer:
    stored: Mapping[str, Any] = {**save}
    shown = {field: stored[field] for field in _SHOWN if field in stored}
    return shown | ({"changes": changes(former, save)} if former else {})


def changes(former: Save, save: Save) -> list[Answer]:
    """What had been added, removed or brought to another version between two saves, Foundry itself included."""
    old, new = _versions(former), _versions(save)
    return [
        {
            "type": kind,
            "id": name,
            **({"from": old[kind, name]} if (kind, name) in old else {}),
            **({"to": new[kind, name]} if (kind, name) in new else {}),
        }
        for kind, name in sorted(old.keys() | new.keys())
        if old.get((kind, name)) != new.get((kind, name))
    ]


def _versions(save: Save) -> dict[tuple[str, str], str]:
    found = {(p["type"], p["id"]): p.get("version", "") for p in save.get("packages", [])}
    return found | ({("core", "foundry"): save["build"]} if "build" in save else {})


ACTION = Action(
    ListSaves,
    list_saves,
    Scope.USER,
    Command("The saves of your server", at_once=True),
)
