"""observe-task: what an "ECS Task State Change" event says, as handler/events.py hands it over."""

from __future__ import annotations

from typing import Any

from actions.action import Action, Answer, Scope, SystemRequest
from actions.errors import Forbidden
from actions.instances.observing import observe
from services.ecs import Task
from services.platform import Platform


class ObserveTask(SystemRequest):
    """The event's `detail` (AWS: Amazon ECS task state change events)."""

    detail: dict[str, Any]


def observe_task(request: ObserveTask, platform: Platform) -> Answer:
    """Let the instance follow its task. Raises Forbidden for another cluster's event, Busy."""
    if request.detail.get("clusterArn") != platform.settings.cluster_arn:
        raise Forbidden("The event is of another cluster.", field="detail.clusterArn")
    observe(platform, Task.seen(request.detail))
    return {"success": True, "message": "Task observed"}


ACTION = Action(ObserveTask, observe_task, Scope.SYSTEM)
