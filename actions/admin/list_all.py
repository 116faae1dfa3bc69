"""list-all: every instance at a glance, for administrators.

At most `limit`, each page by user name; where there are more, `next` in the answer is what to send for those that
follow, in no order from page to page. `total` is how many there are.
"""

from __future__ import annotations

from functools import partial

from actions.action import Action, Answer, Scope
from actions.admin.admin_overview import instances_of
from actions.command import Command
from actions.instances.status import shown_status
from actions.paging import ListRequest, paged
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


class ListAll(ListRequest):
    """The administrator who asks."""


def list_all(request: ListAll, platform: Platform) -> Answer:
    """A page of all instances, by user name within the page: the table knows no order. Raises InvalidRequest."""
    instances, more = paged(request, partial(platform.instances.listed, request.limit))
    rows = sorted(map(_row, instances), key=_by_name)
    whole = not more and request.next is None
    total = len(rows) if whole else instances_of(platform.counters.read())["total"]
    return {"success": True, "instances": rows, "total": total, **more}


def _row(instance: Instance) -> Answer:
    stored = dict(instance)
    return {
        "status": shown_status(instance),
        "instanceUrl": f"https://{instance['host']}",
        **{field: stored[field] for field in _SHOWN if field in stored},
    }


def _by_name(row: Answer) -> tuple[str, str]:
    return row["username"].lower(), row["userId"]


ACTION = Action(
    ListAll,
    list_all,
    Scope.ADMIN,
    Command("All members' servers", at_once=True),
)
