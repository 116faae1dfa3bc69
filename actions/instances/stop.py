"""stop-instance: the decision to stop. finish-stop carries it out."""

from __future__ import annotations

import structlog

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import OF_CREW, Command
from actions.errors import WrongState
from actions.instances.transitions import transition
from actions.lookup import instance_of
from services import clock
from services.aws import AWS_FAILURES
from services.dynamodb import Attr, Condition, ConditionFailed, transact
from services.instances import AT_REST, UP, Instance, InstanceStatus
from services.platform import Platform
from services.runs import EndCause

_log = structlog.get_logger()
_CARRIED_OUT_SECONDS = 60  # when the tick looks whether the stop was carried out


class StopInstance(UserRequest):
    """Whose instance to stop."""


def stop(request: StopInstance, platform: Platform) -> Answer:
    """Decide the stop and answer; Foundry and ECS are asked in an invocation of its own.

    A start that waits for a file task is taken back. Raises InstanceNotFound, WrongState.
    """
    instance = instance_of(platform, request.user_id)
    if "startsAfter" in instance and _taken_back(platform, instance):
        message = "The start was taken back; the server stays at rest"
        return {"success": True, "status": instance["status"], "message": message}
    if not decide_stop(platform, instance):
        raise _refusal(instance_of(platform, request.user_id))
    return {"success": True, "status": InstanceStatus.STOPPING, "message": "Instance stopping..."}


def _taken_back(platform: Platform, instance: Instance) -> bool:
    """Whether a start that was to follow by itself follows no more."""
    waits = Attr("startsAfter").exists() & Attr("status").is_in(list(AT_REST))
    change = platform.instances.change(instance, waits, {}, ("startsAfter",))
    try:
        platform.instances.apply_update(change)
    except ConditionFailed:
        return False  # it has started
    return True


def decide_stop(
    platform: Platform,
    instance: Instance,
    why: str = "",
    when: Condition | None = None,
    *,
    ended_by: EndCause = EndCause.MEMBER,
) -> bool:
    """Decide that the instance's present run ends, and see to it; False if it is no longer up, or not `when`.

    `why` is what the member is told unless it was the member's own wish; `ended_by` is how the end is counted.
    """
    now, run_id = clock.now(), instance.get("runId", "")
    same = Attr("runId").eq(run_id)
    stopping = {
        "statusSince": now,
        "endedBy": ended_by,
        "due": "instance",
        "dueAt": now + _CARRIED_OUT_SECONDS,
        **({"reason": why} if why else {}),
    }
    removed = () if why else ("reason",)
    if instance["status"] not in UP:
        return False
    try:
        transact(
            *transition(
                platform,
                instance,
                InstanceStatus.STOPPING,
                same & when if when else same,
                stopping,
                removed,
            )
        )
    except ConditionFailed:
        found = platform.instances.find(instance["userId"])
        if found is None or found.get("runId") != run_id or found["status"] == instance["status"]:
            return False
        return decide_stop(platform, found, why, when, ended_by=ended_by)  # it came up just now
    order = {"action": "finish-stop", "userId": "system", "ownerId": instance["userId"]}
    try:
        platform.self_invocation.invoke_later(order | {"runId": instance["runId"]})
    except AWS_FAILURES:
        # The stop is decided and due: the tick carries it out if this invocation was lost.
        _log.warning("the stop waits for the tick", exc_info=True)
    return True


def _refusal(instance: Instance) -> WrongState:
    hint = (
        "Wait until it has stopped."
        if instance["status"] == InstanceStatus.STOPPING
        else "Nothing is running."
    )
    return WrongState("stopped", instance["status"], hint)


ACTION = Action(
    StopInstance,
    stop,
    Scope.USER,
    Command("Stop a server; Foundry saves its world first", options=OF_CREW),
)
