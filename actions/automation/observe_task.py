"""observe-task: what an "ECS Task State Change" event says, as handler/events.py hands it over."""

from __future__ import annotations

from pydantic import ConfigDict

from actions.action import Action, Answer, Request, Scope, SystemRequest
from actions.errors import Forbidden
from actions.functions.observing import observe as observe_function
from actions.instances.observing import observe
from services.ecs import Task
from services.platform import Platform


class TaskChange(Request):
    """An event's `detail` (AWS: Amazon ECS task state change events), with what must be there."""

    model_config = ConfigDict(extra="allow")

    cluster_arn: str
    task_arn: str
    last_status: str


class ObserveTask(SystemRequest):
    """The event, as handler/events.py hands it over."""

    detail: TaskChange


def observe_task(request: ObserveTask, platform: Platform) -> Answer:
    """Let an instance, or a function, follow its task. Raises Forbidden for another cluster's event, Busy."""
    observers = {
        platform.settings.cluster_arn: observe,
        platform.settings.functions_cluster_arn: observe_function,
    }
    if request.detail.cluster_arn not in observers:
        raise Forbidden("The event is of another cluster.", field="detail.clusterArn")
    task = Task.seen(request.detail.model_dump(by_alias=True))
    observers[request.detail.cluster_arn](platform, task)
    return {"success": True, "message": "Task observed"}


ACTION = Action(ObserveTask, observe_task, Scope.SYSTEM)
