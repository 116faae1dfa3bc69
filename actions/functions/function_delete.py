"""function-delete: the function ends, and its name is free at once; its record is kept for a month."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.functions import forms
from actions.functions.function_get import existing
from actions.functions.locking import left_to_the_tick, lock_function
from actions.functions.quota import amounts_of
from actions.functions.teardown import tear_down
from actions.retrying import retry_on_conflict
from services import clock, ids
from services.dynamodb import transact
from services.platform import Platform
from services.tenant_functions import Function, gone_entry


class FunctionDelete(UserRequest):
    """Which one."""

    name: forms.AnyName


def function_delete(request: FunctionDelete, platform: Platform) -> Answer:
    """Delete a function with all that belongs to it. Raises FunctionNotFound, Contended."""
    gone = retry_on_conflict(lambda: _bury(request, platform))
    with left_to_the_tick():
        tear_down(lock_function(platform, gone))
    return {"success": True, "message": f"Function '{request.name}' deleted"}


def _bury(request: FunctionDelete, platform: Platform) -> Function:
    table, now = platform.tenant_functions, clock.now()
    function = existing(platform, request.user_id, request.name)
    event = {"id": ids.new_id(), "kind": "function.deleted", "at": now}
    values = {"due": table.due, "dueAt": now, "events": [*function["events"], event]}
    transact(
        *table.bury(function, now, values),
        table.give_back(request.user_id, amounts_of(function)),
    )
    return {**function, "entry": gone_entry(function), **values}  # type: ignore[typeddict-item]


ACTION = Action(FunctionDelete, function_delete, Scope.USER)
