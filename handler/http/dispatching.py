"""From a request to an action: the one way in which HTTP calls the dispatcher."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from actions.action import Answer
from handler import dispatch
from handler.http.request import platform_of, request_log
from services import tracing


def dispatch_action(
    request: Request, action: str, payload: Mapping[str, Any], caller: dispatch.Caller
) -> Answer:
    """Carry out `action`, for the token's user or client where the payload names none.

    Raises what the action raises.
    """
    asked = {**payload, "callerAddress": request.client.host if request.client else None}
    if caller.user_id is not None:
        asked.setdefault("userId", caller.user_id)
    if caller.client_id is not None:
        asked.setdefault("clientId", caller.client_id)
    event_log = request_log(request).event_log
    event_log.name_action(action, event_log.user_id or caller.user_id)
    with tracing.segment(event_log.action):
        return dispatch.run(action, asked, caller, platform_of(request))


def without_success(answer: Answer) -> Answer:
    """An answer for the surfaces whose status code says all that `success` does."""
    return {name: value for name, value in answer.items() if name != "success"}
