"""function-get: one function of the member's, with what runs of it."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.functions import forms
from actions.functions.errors import FunctionNotFound
from actions.functions.showing import shown
from services.platform import Platform
from services.tenant_functions import Function


class FunctionGet(UserRequest):
    """Which one."""

    name: forms.AnyName


def function_get(request: FunctionGet, platform: Platform) -> Answer:
    """The function. Raises FunctionNotFound."""
    return {"success": True, "function": shown(existing(platform, request.user_id, request.name))}


def existing(platform: Platform, user_id: str, name: str) -> Function:
    """The member's function of that name. Raises FunctionNotFound."""
    found = platform.tenant_functions.find(user_id, name)
    if found is None:
        raise FunctionNotFound(name)
    return found


ACTION = Action(FunctionGet, function_get, Scope.USER)
