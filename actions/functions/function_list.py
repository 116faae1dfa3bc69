"""function-list: all functions of the member's, the latest first, or a page of them."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest
from actions.functions.forms import LONGEST_PAGE
from actions.functions.showing import in_short
from services.platform import Platform


class FunctionList(UserRequest):
    """Which page, from 1, of so many; all in one if none is asked for."""

    page: Annotated[int, Field(ge=1, le=1_000_000)] | None = None
    limit: Annotated[int, Field(ge=1, le=LONGEST_PAGE)] | None = None


def function_list(request: FunctionList, platform: Platform) -> Answer:
    """The functions as their records say, which events keep up to date: nothing is asked of ECS.

    `total` is how many there are in all.
    """
    found = platform.tenant_functions.listed(request.user_id)
    found.sort(key=lambda function: (-function["createdAt"], function["name"]))
    total = len(found)
    if request.page or request.limit:
        limit = request.limit or LONGEST_PAGE
        first = ((request.page or 1) - 1) * limit
        found = found[first : first + limit]
    return {
        "success": True,
        "functions": [in_short(function) for function in found],
        "total": total,
    }


ACTION = Action(FunctionList, function_list, Scope.USER)
