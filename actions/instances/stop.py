"""stop-instance: the decision to stop (contract: Stop Instance). finish-stop carries it out."""

from __future__ import annotations

import structlog

from actions.action import Action, Answer, Scope, UserRequest
from actions.errors import WrongState
from actions.instances.work import STOPPING, UP, instance_of
from services import clock
from services.aws import AWS_FAILURES
from services.dynamodb import Attr, Condition, ConditionFailed, transact
from services.instances import Instance
from services.platform import Platform

_log = structlog.get_logger()
_CARRIED_OUT_SECONDS = 60  # when the tick looks whether the stop was carried out


class StopInstance(UserRequest):
    """Whose instance to stop."""


def stop(request: StopInstance, platform: Platform) -> Answer:
    """Decide the stop and answer; Foundry and ECS are asked in an invocation of its own.

    Raises InstanceNotFound, WrongState.
    """
    instance = instance_of(platform, request.user_id)
    if instance["status"] not in UP or not decide_stop(platform, instance):
        raise _refusal(instance_of(platform, request.user_id))
    return {"success": True, "status": STOPPING, "message": "Instance stopping..."}


def decide_stop(
    platform: Platform, instance: Instance, why: str = "", when: Condition | None = None
) -> bool:
    """Decide that the instance's present run ends, and see to it; False if it is no longer up, or not `when`.

    `why` is what the member is told unless it was the member's own wish.
    """
    now = clock.now()
    up = Attr("runId").eq(instance.get("runId", "")) & Attr("status").is_in(list(UP))
    up = up & when if when else up
    stopping = {
        "status": STOPPING,
        "statusSince": now,
        "due": "instance",
        "dueAt": now + _CARRIED_OUT_SECONDS,
        **({"reason": why} if why else {}),
    }
    removed = () if why else ("reason",)
    try:
        transact(platform.instances.change(instance, up, stopping, removed))
    except ConditionFailed:
        return False
    order = {"action": "finish-stop", "userId": "system", "ownerId": instance["userId"]}
    try:
        platform.functions.later(order | {"runId": instance["runId"]})
    except AWS_FAILURES:
        # The stop is decided and due: the tick carries it out if this invocation was lost.
        _log.warning("the stop waits for the tick", exc_info=True)
    return True


def _refusal(instance: Instance) -> WrongState:
    hint = "Wait until it has stopped." if instance["status"] == STOPPING else "Nothing is running."
    return WrongState("stopped", instance["status"], hint)


ACTION = Action(StopInstance, stop, Scope.USER)
