"""get-user-costs: what a member used in a month, what it cost, and what donations cover.

A run over the end of a month counts in both for its share. What still runs counts up to now. `storage` lists for
how long the member's saves had which size, each from one save to the next, with which it is added to the cost;
`storageCost` is their sum.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest, hinted
from actions.billing.pricing import cents, month_of
from actions.billing.usage import Used, so_far, statement
from actions.command import Command
from services import clock
from services.platform import Platform

Month = Annotated[
    str,
    Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$", max_length=7),
    hinted('Write it like "2026-11".'),
]


class GetUserCosts(UserRequest):
    """Whose costs, and of which month (UTC), such as "2026-11"; the present one if none is named."""

    month: Month | None = None


def get_user_costs(request: GetUserCosts, platform: Platform) -> Answer:
    """The month's hours, cost, donations, what is uncovered, each run and the storage. Amounts are USD."""
    now = clock.now()
    month = request.month or month_of(now)
    found = platform.ledger.month_of(request.user_id, month)
    runs = [_shown(entry, running=False) for entry in found["runs"]]
    running = Used()
    for run in platform.runs.open_of(request.user_id):
        used = so_far(run, now, month)
        running += used
        if used.seconds:
            runs.append(_shown({**run, "seconds": used.seconds, "cost": used.cost}, running=True))
    return {
        "success": True,
        "userId": request.user_id,
        "month": month,
        **statement(found["totals"], running),
        "runs": sorted(runs, key=lambda run: (run["startedAt"], run["runId"])),
        "storage": [_stored(entry) for entry in found["storage"]],
    }


def _stored(entry: dict[str, Any]) -> Answer:
    shown = {field: entry[field] for field in ("startedAt", "stoppedAt", "seconds", "bytes")}
    return shown | {"cost": cents(entry["cost"])}


def _shown(run: dict[str, Any], *, running: bool) -> Answer:
    fields = ("runId", "kind", "startedAt", "stoppedAt", "seconds", "cpu", "memory", "endedBy")
    shown = {field: run[field] for field in fields if field in run}
    return shown | {"cost": cents(run["cost"]), "running": running}


ACTION = Action(
    GetUserCosts,
    get_user_costs,
    Scope.USER,
    Command(
        "What your server has cost, and what you have donated",
        options={
            "month": "Which month, such as 2026-11",
        },
        at_once=True,
    ),
)
