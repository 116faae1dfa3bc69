"""readiness: whether every table can be used, so that calls may be sent here.

Asks all tables side by side, each for at most 3 s. What was found is remembered for 5 s.
"""

from __future__ import annotations

import structlog

from actions.action import Action, Answer, Request, Scope
from services.platform import Platform

_log = structlog.get_logger()


class Readiness(Request):
    """Needs nothing."""


def readiness(request: Readiness, platform: Platform) -> Answer:
    """Ready when all tables are; `tables` says what each is."""
    tables = {name: _word(name, said) for name, said in platform.tables.statuses().items()}
    return {"success": True, "ready": set(tables.values()) == {"ready"}, "tables": tables}


def _word(name: str, status: str | BaseException) -> str:
    if status == "ACTIVE":
        return "ready"
    _log.warning("table not ready", details={"table": name, "error": str(status)[:300]})
    return "not ready"


ACTION = Action(Readiness, readiness, Scope.PUBLIC)
