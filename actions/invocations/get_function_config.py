"""get-function-config: how a function is configured."""

from __future__ import annotations

from actions.action import Action, Answer, ClientRequest, Scope
from actions.errors import NoSuchFunction
from actions.invocations.describing import asking_lambda, described
from actions.invocations.reach import NamedFunction, function_in, reach_of
from services.errors import InvocationRefused
from services.platform import Platform


class GetFunctionConfig(ClientRequest):
    """Who asks about which function."""

    function_name: NamedFunction


def get_function_config(request: GetFunctionConfig, platform: Platform) -> Answer:
    """What the contract names of a function's configuration.

    Raises Forbidden, NoSuchFunction, AwsRefused and TimedOut.
    """
    function = function_in(reach_of(request, platform), request.function_name, platform, None)
    with asking_lambda():
        try:
            found = platform.lambda_functions.configuration(function)
        except InvocationRefused as refusal:
            if refusal.code == "ResourceNotFoundException":
                raise NoSuchFunction(request.function_name) from None
            raise
    return {"success": True, "config": described(found)}


ACTION = Action(GetFunctionConfig, get_function_config, Scope.READ)
