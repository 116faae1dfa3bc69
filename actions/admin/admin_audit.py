"""admin-audit: what administrators did, the latest first."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest
from actions.billing.pricing import month_before, month_of
from services import clock
from services.audit import Entry
from services.platform import Platform

_MONTHS = 13  # how far back is looked
_SHOWN = ("at", "userId", "onBehalfOf", "action", "about", "reason", "details", "outcome")


class AdminAudit(UserRequest):
    """The administrator who asks, and for how many entries."""

    limit: Annotated[int, Field(ge=1, le=200)] = 50


def admin_audit(request: AdminAudit, platform: Platform) -> Answer:
    """Who did what, to whom, when, why, and what came of it, within the last 13 months.

    `userId` is who did it; `onBehalfOf` the administrator whom the order named, where that was another.
    """
    entries = [_shown(e) for e in islice(_latest(platform, request.limit), request.limit)]
    return {"success": True, "entries": entries}


def _latest(platform: Platform, limit: int) -> Iterator[Entry]:
    month = month_of(clock.now())
    for _ in range(_MONTHS):
        yield from platform.audit.latest(month, limit)
        month = month_before(month)


def _shown(entry: Entry) -> Answer:
    stored = dict(entry)
    return {field: stored[field] for field in _SHOWN if field in stored}


ACTION = Action(AdminAudit, admin_audit, Scope.ADMIN)
