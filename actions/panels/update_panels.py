"""update-panels: panels show what has become of their tables, as the stream of the instances tells."""

from __future__ import annotations

from functools import partial
from typing import Any

import structlog
from pydantic import Field

from actions.action import Action, Answer, Scope, SystemRequest
from actions.errors import Forbidden
from actions.panels.updating import bring_up_to_date
from actions.retrying import retry_on_conflict
from services.concurrency import outcomes_of
from services.dynamodb import transact
from services.platform import Platform

_log = structlog.get_logger()


class UpdatePanels(SystemRequest):
    """Records of the stream, as handler/events.py hands them over; without any, those that are behind."""

    records: list[dict[str, Any]] = Field(default_factory=list)


def update_panels(request: UpdatePanels, platform: Platform) -> Answer:
    """Bring the panels of all these tables up to date, each once; what fails is behind, and the tick's.

    Raises Forbidden for another table's stream, and what AWS raises if what is behind cannot be noted.
    """
    table = f":table/{platform.settings.tables['instances']}/stream/"
    if any(table not in str(record.get("eventSourceARN")) for record in request.records):
        raise Forbidden("The event is of another table.", field="records.eventSourceARN")
    behind = [] if request.records else platform.registry.panels_behind()["users"]
    users = sorted({_user(record) for record in request.records} | {*behind})
    outcomes = outcomes_of([partial(bring_up_to_date, platform, user) for user in users])
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            _log.error("a panel was not updated", exc_info=outcome)
    left = [user for user, outcome in zip(users, outcomes, strict=True) if outcome is not True]
    _note(platform, {*users} - {*left}, left)
    return {"success": True, "panels": len(users), "failures": len(left)}


def _user(record: dict[str, Any]) -> str:
    """Whose item has changed (DynamoDB, Streams record)."""
    return str(record["dynamodb"]["Keys"]["userId"]["S"])


def _note(platform: Platform, done: set[str], left: list[str]) -> None:
    """Note who is behind, and who is not any more; nothing is written where that is known."""

    def note() -> None:
        before = platform.registry.panels_behind()
        users = sorted(({*before["users"]} - done) | {*left})
        if users != before["users"]:
            transact(platform.registry.note_panels_behind(users, before))

    retry_on_conflict(note)


ACTION = Action(UpdatePanels, update_panels, Scope.SYSTEM)
