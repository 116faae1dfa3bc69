"""set-size: how much memory a member's server has, from the next start on."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest
from actions.billing.pricing import hourly_rate
from actions.command import Command
from actions.errors import InstanceNotFound, WrongState
from actions.instances.sizes import refuse_unless_allowed, size
from actions.lookup import instance_of
from services.dynamodb import Attr, ConditionFailed
from services.instances import WHOLE
from services.platform import Platform


class SetSize(UserRequest):
    """Whose server, and its memory in MiB: the operator's size, or twice, four or eight times that."""

    memory: Annotated[int, Field(ge=512, le=30720)]


def set_size(request: SetSize, platform: Platform) -> Answer:
    """Give the server so much memory at each start from now on; what runs goes on as it is, at its own rate.

    `perHour` is what it then costs while it runs, USD. Raises InstanceNotFound, InvalidRequest, WrongState.
    """
    instance = instance_of(platform, request.user_id)
    refuse_unless_allowed(platform.settings, request.memory)
    whole = Attr("status").is_in(list(WHOLE))
    change = platform.instances.change(instance, whole, {"memory": request.memory})
    try:
        platform.instances.apply_update(change)
    except ConditionFailed as refused:
        if not refused.found:
            raise InstanceNotFound(request.user_id) from refused
        hint = "Wait until it has been made, or make a new one."
        raise WrongState("given another size", "unknown", hint) from refused
    chosen = size(platform.settings, request.memory)
    return {
        "success": True,
        "memory": chosen.memory,
        "cpu": chosen.cpu,
        "perHour": float(round(hourly_rate(platform.settings, *chosen), 4)),
        "message": f"It has {chosen.memory} MiB of memory from the next start on",
    }


ACTION = Action(
    SetSize,
    set_size,
    Scope.USER,
    Command(
        "Choose how much memory your server has",
        options={
            "memory": "Memory in MiB, such as 4096",
        },
    ),
)
