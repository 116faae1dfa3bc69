"""The audit: who of the administrators did what, to whom, when and why."""

from __future__ import annotations

from typing import cast

import structlog

from actions.action import AdminOrder
from actions.billing.pricing import month_of
from services import clock, ids
from services.audit import Entry
from services.aws import AWS_FAILURES
from services.dynamodb import transact
from services.platform import Platform

_log = structlog.get_logger()
_SAID_ELSEWHERE = {"user_id", "reason", "target_user_id"}


def note(platform: Platform, action: str, order: AdminOrder, given_by: str) -> Entry:
    """Note an order of the administrator `given_by` before it is carried out: without an entry nothing is.

    Who holds a token that may act for others can name another administrator in the order. That one is noted
    beside it (`onBehalfOf`), never in place of who did it.
    """
    now = clock.now()
    target = getattr(order, "target_user_id", None)
    details = order.model_dump(by_alias=True, exclude_none=True, exclude=_SAID_ELSEWHERE)
    entry = {
        "month": month_of(now),
        "entry": f"{clock.milliseconds():014}:{ids.new_id()}",
        "at": now,
        "userId": given_by,
        "onBehalfOf": order.user_id if order.user_id != given_by else None,
        "action": action,
        "outcome": "asked",
        "about": target,
        "reason": order.reason,
        "details": details or None,
    }
    noted = cast("Entry", {name: value for name, value in entry.items() if value is not None})
    transact(platform.audit.note(noted))
    return noted


def close(platform: Platform, entry: Entry, outcome: str) -> None:
    """Note what came of it. If that cannot be noted, the entry goes on saying "asked"."""
    try:
        transact(platform.audit.close(entry, outcome))
    except AWS_FAILURES:
        # The order is carried out, or was refused: that answer matters more to who waits for it.
        _log.warning("the audit lacks an outcome", details={"outcome": outcome}, exc_info=True)
