"""auto-shutdown-check: every five minutes, whatever is due (contract: Auto-shutdown Check).

It reads the index of what is due, never the table: ten times the members cost nothing more.
"""

from __future__ import annotations

from functools import partial

from actions.action import Action, Answer, Scope, SystemRequest
from actions.automation.repairing import repair
from actions.automation.ticking import carry_on
from actions.instances.work import RUNNING
from actions.side_by_side import side_by_side
from services import clock
from services.instances import Instance
from services.platform import Platform


class AutoShutdownCheck(SystemRequest):
    """Nothing but the schedule's own user."""


def auto_shutdown_check(request: AutoShutdownCheck, platform: Platform) -> Answer:
    """Carry on with all that is due, side by side; one failing instance does not stop the others."""
    instances = _due(platform)
    tasks = platform.ecs.look([i["taskArn"] for i in instances if "taskArn" in i])
    runs = any(instance["status"] == RUNNING for instance in instances)
    maintenance = platform.registry.maintenance() if runs else None
    stopped, failures = carry_on(
        [partial(repair, platform, instance, tasks, maintenance) for instance in instances],
        [{"instanceId": i["instanceId"], "status": i["status"]} for i in instances],
    )
    return {
        "success": True,
        "instancesChecked": len(instances),
        "instancesStopped": stopped,
        "failures": failures,
        "message": "Auto-shutdown check completed",
    }


def _due(platform: Platform) -> list[Instance]:
    """The due instances as they are now: the index may lag behind the table."""
    now = clock.now()
    users = list(platform.instances.due(now))
    found = side_by_side(*(partial(platform.instances.find, user) for user in users))
    return [instance for instance in found if instance and instance.get("dueAt", now + 1) <= now]


ACTION = Action(AutoShutdownCheck, auto_shutdown_check, Scope.SYSTEM)
