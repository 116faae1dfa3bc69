"""shutdown-stats: what ended the servers' runs in a month, for administrators."""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.billing.get_user_costs import Month
from actions.billing.pricing import month_of
from actions.command import Command
from services import clock
from services.counters import WHY
from services.platform import Platform
from services.runs import EndCause


class ShutdownStats(UserRequest):
    """The administrator who asks, and the month (UTC); the present one if none is named."""

    month: Month | None = None


def shutdown_stats(request: ShutdownStats, platform: Platform) -> Answer:
    """How many runs ended, by what ended them, and how many of them the platform ended by itself.

    `byDiagnosis` says why those ended that nobody asked to (`crash`, `failure`), by cause (docs/operating.md).

    Causes: `idle`, `session-idle`, `session-over`, `time-up`, `maintenance`, `gave-way` to a session, `session`
    (it started anew on the session's licence), `member`, `forced`, `destroy`, `crash`, `failure` to come up.
    """
    month = request.month or month_of(clock.now())
    found = platform.counters.month(month)
    # A task that erased, saved or put back files had no server to shut down.
    shown = sorted(set(EndCause) - {EndCause.PURGE, EndCause.FILES})
    causes = {cause: int(found[cause]) for cause in shown if cause in found}
    return {
        "success": True,
        "month": month,
        "total": sum(causes.values()),
        "automatic": sum(n for cause, n in causes.items() if cause.is_automatic),
        "byCause": causes,
        "byDiagnosis": {
            name.removeprefix(WHY): int(n)
            for name, n in sorted(found.items())
            if name.startswith(WHY)
        },
    }


ACTION = Action(
    ShutdownStats,
    shutdown_stats,
    Scope.ADMIN,
    Command(
        "Why servers have ended",
        options={
            "month": "Which month, such as 2026-11",
        },
        at_once=True,
    ),
)
