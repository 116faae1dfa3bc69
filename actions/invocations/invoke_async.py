"""invoke-async: has a function run some time soon; nobody waits for its answer."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from actions.action import Action, Answer, ClientRequest, Scope
from actions.invocations.calling import Invocation, call
from actions.invocations.reach import NamedFunction, reach_of
from services.platform import Platform


class InvokeAsync(ClientRequest):
    """Who has which function run."""

    function_name: NamedFunction
    payload: Any = Field(description="JSON as text, or as it is")


def invoke_async(request: InvokeAsync, platform: Platform) -> Answer:
    """Hand an event for a function to Lambda, whose request id is in its log. Raises what calling.call raises."""
    event = Invocation.model_validate(
        {
            "functionName": request.function_name,
            "payload": request.payload,
            "invocationType": "Event",
        }
    )
    outcome = call(platform, reach_of(request, platform), event)
    shown = ("success", "statusCode", "requestId", "error")
    return {name: outcome[name] for name in shown if name in outcome}


ACTION = Action(InvokeAsync, invoke_async, Scope.INVOKE)
