"""invoke-function: invokes a function and waits for its answer, or for Lambda's word that it will run."""

from __future__ import annotations

from actions.action import Action, Answer, ClientRequest, Scope
from actions.invocations.calling import Invocation, call
from actions.invocations.reach import reach_of
from services.platform import Platform


class InvokeFunction(ClientRequest, Invocation):
    """Who has which function invoked."""


def invoke_function(request: InvokeFunction, platform: Platform) -> Answer:
    """Invoke a function; `success` is the function's own. Raises what calling.call raises."""
    return call(platform, reach_of(request, platform), request)


ACTION = Action(InvokeFunction, invoke_function, Scope.INVOKE)
