"""admin-audit: what administrators did, the latest first.

At most `limit`; where there are more, `next` in the answer is what to send for those before.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, Scope
from actions.billing.pricing import month_before, month_of
from actions.command import Command
from actions.paging import ListRequest, paged
from services import clock
from services.audit import Entry
from services.dynamodb import ForeignPosition, Position
from services.platform import Platform

_MONTHS = 13  # how far back is looked
_SHOWN = ("at", "userId", "onBehalfOf", "action", "about", "reason", "details", "outcome")


class AdminAudit(ListRequest):
    """The administrator who asks, and for how many entries."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50


def admin_audit(request: AdminAudit, platform: Platform) -> Answer:
    """Who did what, to whom, when, why, and what came of it, within the last 13 months.

    `userId` is who did it; `onBehalfOf` the administrator whom the order named, where that was another. Raises
    InvalidRequest.
    """
    entries, more = paged(request, partial(_page, platform, request.limit))
    return {"success": True, "entries": [_shown(entry) for entry in entries], **more}


def _page(
    platform: Platform, limit: int, after: Position | None
) -> tuple[list[Entry], Position | None]:
    if after is not None and after.keys() != {"month", "entry"}:
        raise ForeignPosition
    # One more, to know whether there is one.
    found = list(islice(_latest(platform, limit + 1, after), limit + 1))
    last = found[limit - 1] if len(found) > limit else None
    return found[:limit], last and {"month": last["month"], "entry": last["entry"]}


def _latest(platform: Platform, limit: int, after: Position | None) -> Iterator[Entry]:
    month = month_of(clock.now())
    for _ in range(_MONTHS):
        if after is None or month <= after["month"]:
            before = after["entry"] if after and month == after["month"] else None
            yield from platform.audit.latest(month, limit, before)
        month = month_before(month)


def _shown(entry: Entry) -> Answer:
    stored = dict(entry)
    return {field: stored[field] for field in _SHOWN if field in stored}


ACTION = Action(
    AdminAudit,
    admin_audit,
    Scope.ADMIN,
    Command("What administrators did, the newest first", at_once=True),
)
