"""Which actions only read. All others write, and tests/consistency asks more of them."""

from __future__ import annotations

from collections.abc import Iterable

# That they call nothing that writes is shown where each plays its sample (tests/contract).
ONLY_READ = {
    "status",
    "get-logs",
    "table-page",
    "list-saves",
    "import-link",
    "get-scheduled-sessions",
    "check-availability",
    "license-pool-status",
    "health-check",
    "list-all",
    "get-user-costs",
    "get-all-costs",
    "admin-overview",
    "shutdown-stats",
    "admin-audit",
    "admin-list-sessions",
    "list-data",
    "readiness",
    "client-list",
    "list-functions",
    "get-function-config",
    "list-invocations",
    "user-token",
    "function-figures",
    "function-list",
    "function-get",
    "function-invocations",
    "function-logs",
    "webhook-list",
}
_READING = ("Get", "Query", "Scan", "Describe", "List", "Head", "Filter", "Converse")


def writing(calls: Iterable[str]) -> list[str]:
    """The calls to AWS ("ecs.RunTask") that change something there."""
    return [name for name in calls if not name.partition(".")[2].startswith(_READING)]
