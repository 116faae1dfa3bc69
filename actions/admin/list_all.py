"""list-all: every instance at a glance, for administrators."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.instances.status import shown_status
from services.instances import Instance
from services.platform import Platform

_SHOWN = (
    "userId",
    "username",
    "foundryVersion",
    "licenseType",
    "createdAt",
    "lastStarted",
    "reason",
)


class ListAll(UserRequest):
    """The administrator who asks."""


def list_all(request: ListAll, platform: Platform) -> Answer:
    """All instances, by user name. Reads the whole table."""
    rows = sorted((_row(instance) for instance in platform.instances.all()), key=_by_name)
    return {"success": True, "instances": rows, "total": len(rows)}


def _row(instance: Instance) -> Answer:
    stored = dict(instance)
    return {
        "status": shown_status(instance),
        "instanceUrl": f"https://{instance['host']}",
        **{field: stored[field] for field in _SHOWN if field in stored},
    }


def _by_name(row: Answer) -> tuple[str, str]:
    return row["username"].lower(), row["userId"]


ACTION = Action(ListAll, list_all, Scope.ADMIN)
