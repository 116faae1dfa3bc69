"""list-functions: what there is to invoke."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field

from actions.action import Action, Answer, ClientRequest, Scope
from actions.invocations.describing import asking_lambda, described
from actions.invocations.reach import is_within, reach_of
from services.platform import Platform

_PAGES = 5  # of Lambda's, each of at most 50 functions: its questions are few in a second, for all of the account


class ListFunctions(ClientRequest):
    """Who asks, for how many, and where to go on: what the answer before had as `nextMarker`."""

    max_items: Annotated[int, Field(ge=1, le=1000)] = 50
    next_marker: Annotated[str, Field(max_length=2048)] | None = None


def list_functions(request: ListFunctions, platform: Platform) -> Answer:
    """The functions in the client's reach, in Lambda's order.

    With `nextMarker` there may be more, even where the answer has none or few. Raises AwsRefused and TimedOut.
    """
    reach = reach_of(request, platform)
    functions: list[dict[str, Any]] = []
    marker = request.next_marker or None
    for _ in range(_PAGES):
        missing = min(50, request.max_items - len(functions))
        with asking_lambda():
            page, marker = platform.lambda_functions.listed(missing, marker)
        functions += [f for f in page if is_within(reach, f["FunctionName"], platform)]
        if not marker or len(functions) >= request.max_items:
            break
    return {
        "success": True,
        "functions": [described(found) for found in functions],
        "nextMarker": marker,
    }


ACTION = Action(ListFunctions, list_functions, Scope.READ)
