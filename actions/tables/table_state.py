"""table-state: how far a table is, for the page that asks every three seconds."""

from __future__ import annotations

from actions.action import Action, Answer, Scope
from actions.tables.coming_up import is_worth_a_look, state_now
from actions.tables.finding import TableRequest, table_at
from services.platform import Platform


class TableState(TableRequest):
    """Which table."""


def table_state(request: TableState, platform: Platform) -> Answer:
    """One read; of a table that comes up also a look, every 3 s, whoever asks. Raises TableNotFound."""
    instance = table_at(platform, request.host)
    if is_worth_a_look(instance):
        # A table at rest does without all that knows ECS.
        from actions.instances.arriving import look

        instance = look(platform, instance)
    return {"success": True, **state_now(platform, instance)}


ACTION = Action(TableState, table_state, Scope.PUBLIC)
