"""Metrics as log lines in CloudWatch's embedded metric format: no call to AWS, no waiting.

AWS: "Specification: Embedded metric format". Dimensions are the action and its outcome, never a user.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from services import clock

NAMESPACE = "FoundryVTT"
_log = structlog.get_logger()


def embedded(dimensions: Sequence[str], units: dict[str, str]) -> dict[str, Any]:
    """The `_aws` member that makes a log line's members named in `units` metrics."""
    metrics = [{"Name": name, "Unit": unit} for name, unit in units.items()]
    directive = {"Namespace": NAMESPACE, "Dimensions": [list(dimensions)], "Metrics": metrics}
    return {"_aws": {"Timestamp": clock.milliseconds(), "CloudWatchMetrics": [directive]}}


def resource(kind: str, change: int) -> None:
    """Note that AWS resources of a kind (efs, s3, ecs) were made (+) or removed (-).

    The metric ResourceUsage is that change; its running sum is how many there are.
    """
    outcome = "made" if change > 0 else "removed"
    members = embedded(("action", "outcome", "resource"), {"ResourceUsage": "Count"})
    _log.info(
        "resource " + outcome, resource=kind, outcome=outcome, ResourceUsage=change, **members
    )


def unlogged(count: int, why: str, error: Exception | None = None) -> None:
    """Note that so many invocations are missing in the log of invocations, or in part."""
    members = embedded(("outcome",), {"InvocationsUnlogged": "Count"})
    _log.error(
        "invocations are not logged",
        outcome="lost",
        InvocationsUnlogged=count,
        details={"reason": why},
        exc_info=error,
        **members,
    )
