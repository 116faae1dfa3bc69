"""table-page: what a table's page shows, to anybody."""

from __future__ import annotations

from typing import Any

from actions.action import Action, Answer, Scope
from actions.errors import PlatformError
from actions.instances.status import next_session
from actions.instances.waking import who_wakes
from actions.tables import nonces
from actions.tables.coming_up import state_now
from actions.tables.finding import TableRequest, table_at
from services.instances import AT_REST, Instance, Who
from services.platform import Platform


class TablePage(TableRequest):
    """Which table."""


def table_page(request: TablePage, platform: Platform) -> Answer:
    """Its name, how far it is, when it plays next, who may wake it and what keeps it from that.

    With the nonce that `wake-table` wants, where a wake could come about. Nothing is written. Raises TableNotFound.
    """
    instance = table_at(platform, request.host)
    who = who_wakes(instance)
    shown: Answer = {
        "success": True,
        "table": instance["username"],
        **state_now(platform, instance),
        "wake": who,
        **next_session(instance, platform.settings),
    }
    if instance["status"] in AT_REST:
        shown |= _what_it_takes(platform, instance)
        if who != Who.NOBODY and "obstacle" not in shown:
            shown["nonce"] = nonces.issue(platform, request.host)
    return shown


def _what_it_takes(platform: Platform, instance: Instance) -> dict[str, Any]:
    from actions.tables.obstacles import needs

    found = needs(platform, instance)
    if found.refusal is None:
        return {"license": found.license}
    return {"obstacle": in_words(found.refusal)}


def in_words(refusal: PlatformError) -> dict[str, Any]:
    """A refusal by its kind and in its own words; a page repeats these, or has its own for the kind."""
    return {
        "kind": type(refusal).__name__,
        "message": refusal.message,
        "details": refusal.details,
    }


ACTION = Action(TablePage, table_page, Scope.PUBLIC)
