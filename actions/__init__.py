"""What the platform can do: one table from an action's name to the module that does it.

Each module ends with `ACTION`, its request model, function and scope. Modules are imported when their
action is first called, so that a cold start pays for one action, not for all.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from actions.errors import UnknownAction

if TYPE_CHECKING:
    from actions.action import Action

ACTIONS = {
    "create-instance": "actions.instances.create",
    "restore-instance": "actions.instances.restore_instance",
    "start-instance": "actions.instances.start",
    "stop-instance": "actions.instances.stop",
    "status": "actions.instances.status",
    "destroy-instance": "actions.instances.destroy",
    "update-version": "actions.instances.update_version",
    "undo-update": "actions.instances.undo_update",
    "change-credentials": "actions.instances.change_credentials",
    "keep-alive": "actions.instances.keep_alive",
    "set-auto-shutdown": "actions.instances.set_auto_shutdown",
    "set-size": "actions.instances.set_size",
    "get-logs": "actions.instances.get_logs",
    "set-wake": "actions.tables.set_wake",
    "table-page": "actions.tables.table_page",
    "table-state": "actions.tables.table_state",
    "wake-table": "actions.tables.wake_table",
    "set-world": "actions.instances.set_world",
    "save-now": "actions.saves.save_now",
    "list-saves": "actions.saves.list_saves",
    "label-save": "actions.saves.label_save",
    "delete-save": "actions.saves.delete_save",
    "restore-save": "actions.saves.restore_save",
    "export-save": "actions.saves.export_save",
    "begin-import": "actions.saves.begin_import",
    "confirm-import": "actions.saves.confirm_import",
    "schedule-session": "actions.scheduling.schedule_session",
    "move-session": "actions.scheduling.move_session",
    "cancel-scheduled-session": "actions.scheduling.cancel_scheduled_session",
    "get-scheduled-sessions": "actions.scheduling.get_scheduled_sessions",
    "check-availability": "actions.scheduling.check_availability",
    "license-pool-status": "actions.licenses.license_pool_status",
    "request-license": "actions.licenses.request_license",
    "release-license": "actions.licenses.release_license",
    "set-license-sharing": "actions.licenses.set_license_sharing",
    "health-check": "actions.admin.health_check",
    "list-all": "actions.admin.list_all",
    "get-user-costs": "actions.billing.get_user_costs",
    "get-all-costs": "actions.billing.get_all_costs",
    "kofi-webhook": "actions.kofi.kofi_webhook",
    "link-donor": "actions.kofi.link_donor",
    "admin-overview": "actions.admin.admin_overview",
    "shutdown-stats": "actions.admin.shutdown_stats",
    "admin-force-shutdown": "actions.admin.admin_force_shutdown",
    "admin-list-sessions": "actions.admin.admin_list_sessions",
    "admin-cancel-session": "actions.admin.admin_cancel_session",
    "admin-cancel-all-sessions": "actions.admin.admin_cancel_all_sessions",
    "admin-system-maintenance": "actions.admin.admin_system_maintenance",
    "admin-maintenance-reset": "actions.admin.admin_maintenance_reset",
    "admin-assign-donation": "actions.admin.admin_assign_donation",
    "admin-hand-over-saves": "actions.admin.admin_hand_over_saves",
    "admin-grant": "actions.admin.admin_grant",
    "admin-revoke": "actions.admin.admin_revoke",
    "admin-revoke-token": "actions.admin.admin_revoke_token",
    "admin-audit": "actions.admin.admin_audit",
    "auto-shutdown-check": "actions.automation.auto_shutdown_check",
    "prepare-sessions": "actions.scheduling.prepare_sessions",
    "send-notification": "actions.automation.send_notification",
    "finish-stop": "actions.automation.finish_stop",
    "observe-task": "actions.automation.observe_task",
    "invoke-function": "actions.invocations.invoke_function",
    "invoke-async": "actions.invocations.invoke_async",
    "batch-invoke": "actions.invocations.batch_invoke",
    "list-functions": "actions.invocations.list_functions",
    "get-function-config": "actions.invocations.get_function_config",
    "list-invocations": "actions.invocations.list_invocations",
    "client-token": "actions.invocations.client_token",
    "client-create": "actions.invocations.client_create",
    "client-rotate": "actions.invocations.client_rotate",
    "client-revoke": "actions.invocations.client_revoke",
    "client-list": "actions.invocations.client_list",
    "function-create": "actions.functions.function_create",
    "function-list": "actions.functions.function_list",
    "function-get": "actions.functions.function_get",
    "function-update": "actions.functions.function_update",
    "function-delete": "actions.functions.function_delete",
    "function-invoke": "actions.functions.function_invoke",
    "function-invocations": "actions.functions.function_invocations",
    "function-figures": "actions.functions.function_figures",
    "user-token": "actions.functions.user_token",
    "function-logs": "actions.functions.function_logs",
    "webhook-create": "actions.webhooks.webhook_create",
    "webhook-list": "actions.webhooks.webhook_list",
    "webhook-delete": "actions.webhooks.webhook_delete",
    "deliver-webhooks": "actions.webhooks.deliver_webhooks",
    "chat": "actions.backend.chat",
    "list-data": "actions.backend.list_data",
    "readiness": "actions.backend.readiness",
}


def find(name: str) -> Action[Any]:
    """The action called `name`; raises UnknownAction with the names that come closest."""
    if name not in ACTIONS:
        from difflib import get_close_matches

        raise UnknownAction(name, get_close_matches(name, ACTIONS, n=3, cutoff=0.5))
    action: Action[Any] = import_module(ACTIONS[name]).ACTION
    return action
