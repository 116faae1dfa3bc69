"""update-panels: panels show what has become of their tables, as the stream of the instances tells."""

from __future__ import annotations

from functools import partial
from typing import Any

import structlog
from pydantic import Field

from actions.action import Action, Answer, Scope, SystemRequest
from actions.errors import Forbidden
from actions.panels.interest import note_interest
from actions.panels.updating import bring_up_to_date, take_away_unused
from actions.retrying import retry_on_conflict
from services.concurrency import outcomes_of
from services.dynamodb import transact
from services.platform import Platform
from services.values import deserialize

_log = structlog.get_logger()


class UpdatePanels(SystemRequest):
    """Records of the stream, as handler/events.py hands them over; without any, whose panels to look at, besides
    those that are behind. With `asks_interest`, who is interested in sessions is asked for after that.
    """

    records: list[dict[str, Any]] = Field(default_factory=list)
    users: list[str] = Field(default_factory=list)
    asks_interest: bool = False


def update_panels(request: UpdatePanels, platform: Platform) -> Answer:
    """Bring the panels of all these tables up to date, each once; what fails is behind, and the tick's.

    Raises Forbidden for another table's stream, and what AWS raises if what is behind cannot be noted.
    """
    table = f":table/{platform.settings.tables['instances']}/stream/"
    if any(table not in str(record.get("eventSourceARN")) for record in request.records):
        raise Forbidden("The event is of another table.", field="records.eventSourceARN")
    gone = [panel for r in request.records if (panel := _left_over(r))]
    users = {_user(r) for r in request.records if r.get("eventName") != "REMOVE"}
    if not request.records:
        behind = platform.registry.panels_behind()
        gone, users = behind["gone"], {*behind["users"], *request.users}
    in_order = sorted(users)
    updates = [partial(bring_up_to_date, platform, user) for user in in_order]
    outcomes = outcomes_of(
        [*updates, *(partial(take_away_unused, platform, panel) for panel in gone)]
    )
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            _log.error("a panel was not updated", exc_info=outcome)
    is_done = [outcome is True for outcome in outcomes]
    left = {user for user, done in zip(in_order, is_done, strict=False) if not done}
    still = [p for p, done in zip(gone, is_done[len(in_order) :], strict=True) if not done]
    _note(platform, users - left, left, [p for p in gone if p not in still], still)
    if request.asks_interest:
        note_interest(platform)
    return {"success": True, "panels": len(outcomes), "failures": len(left) + len(still)}


def _user(record: dict[str, Any]) -> str:
    """Whose item has changed (DynamoDB, Streams record)."""
    return str(record["dynamodb"]["Keys"]["userId"]["S"])


def _left_over(record: dict[str, Any]) -> dict[str, Any] | None:
    """What is nobody's panel any more: of a table that is gone, or where a panel was that is elsewhere now."""
    last, now = (record["dynamodb"].get(f"{age}Image", {}) for age in ("Old", "New"))
    is_gone = record.get("eventName") == "REMOVE"
    if not is_gone and last.get("panelMessage") in (None, now.get("panelMessage")):
        return None
    kept = (*_MESSAGE, "panelEvents") if is_gone else _MESSAGE
    return {name: deserialize(last[name]) for name in kept if name in last}


_MESSAGE = ("host", "panelChannel", "panelMessage")


def _note(
    platform: Platform,
    done: set[str],
    left: set[str],
    taken: list[dict[str, Any]],
    still: list[dict[str, Any]],
) -> None:
    """Note what is behind, and what is not any more; nothing is written where that is known."""

    def note() -> None:
        before = platform.registry.panels_behind()
        users = sorted(({*before["users"]} - done) | left)
        gone = [panel for panel in before["gone"] if panel not in taken]
        gone += [panel for panel in still if panel not in gone]
        if (users, gone) != (before["users"], before["gone"]):
            transact(platform.registry.note_panels_behind(users, gone[-_MOST_GONE:], before))

    retry_on_conflict(note)


_MOST_GONE = 100  # that an item holds


ACTION = Action(UpdatePanels, update_panels, Scope.SYSTEM)
