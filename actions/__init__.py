"""What the platform can do: one table from an action's name to the module that does it.

Each module ends with `ACTION`, its request model, function and scope. Modules are imported when their
action is first called, so that a cold start pays for one action, not for all.
"""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from actions.errors import UnknownAction

if TYPE_CHECKING:
    from actions.action import Action

ACTIONS = {
    "create-instance": "actions.instances.create",
    "start-instance": "actions.instances.start",
    "stop-instance": "actions.instances.stop",
    "status": "actions.instances.status",
    "destroy-instance": "actions.instances.destroy",
    "update-version": "actions.instances.update_version",
    "health-check": "actions.admin.health_check",
    "list-all": "actions.admin.list_all",
    "auto-shutdown-check": "actions.automation.auto_shutdown_check",
    "finish-stop": "actions.automation.finish_stop",
    "observe-task": "actions.automation.observe_task",
}


def find(name: str) -> Action[Any]:
    """The action called `name`; raises UnknownAction with the names that come closest."""
    if name not in ACTIONS:
        raise UnknownAction(name, get_close_matches(name, ACTIONS, n=3, cutoff=0.5))
    action: Action[Any] = import_module(ACTIONS[name]).ACTION
    return action
