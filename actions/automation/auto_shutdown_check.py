"""auto-shutdown-check: every five minutes, whatever is due.

It reads the index of what is due, never the table: ten times the members cost nothing more.
"""

from __future__ import annotations

from functools import partial

from actions.action import Action, Answer, Scope, SystemRequest
from actions.automation.reconciling import reconcile
from actions.due_work import due_now, run_steps
from actions.functions import ticking
from actions.instances import aftermath, departed
from actions.instances.strays import follow_stray
from actions.licenses import kept
from services import clock
from services.instances import InstanceStatus
from services.platform import Platform


class AutoShutdownCheck(SystemRequest):
    """Nothing but the schedule's own user."""


def auto_shutdown_check(request: AutoShutdownCheck, platform: Platform) -> Answer:
    """Carry on with all that is due, side by side; one failing instance does not stop the others."""
    instances = due_now(platform.instances.due_ids(clock.now()), platform.instances.find)
    strays = list(platform.runs.strays())
    looked_at = [i["taskArn"] for i in instances if "taskArn" in i]
    asked_at = clock.now()
    tasks = platform.ecs.look(looked_at + [run["strayTask"] for run in strays])
    runs = any(instance["status"] == InstanceStatus.RUNNING for instance in instances)
    maintenance = platform.registry.maintenance() if runs else None
    functions = ticking.due_functions(platform)
    ended = aftermath.steps(platform)
    gone = departed.steps(platform) + kept.steps(platform)
    followed = run_steps(ended, [{"after": "an end"}] * len(ended))
    outcome = run_steps(
        [
            partial(reconcile, platform, instance, tasks, asked_at, maintenance)
            for instance in instances
        ]
        + [partial(follow_stray, platform, run, tasks) for run in strays]
        + ticking.steps(platform, functions)
        + gone,
        [{"instanceId": i["instanceId"], "status": i["status"]} for i in instances]
        + [{"runId": run["runId"], "status": "stray"} for run in strays]
        + [{"functionId": f["functionId"], "entry": f["entry"]} for f in functions]
        + [{"after": "a server's time"}] * len(gone),
    )
    return {
        "success": True,
        "instancesChecked": len(instances),
        "instancesStopped": outcome.done,
        "failures": outcome.failures + followed.failures,
        "message": "Auto-shutdown check completed",
    }


ACTION = Action(AutoShutdownCheck, auto_shutdown_check, Scope.SYSTEM)
