"""health-check: whether the platform can do its work."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextvars import copy_context

import structlog

from actions.action import Action, Answer, Request, Scope
from actions.command import Command
from services.platform import Platform

_log = structlog.get_logger()
_BOUND_SECONDS = 3.0


class HealthCheck(Request):
    """Needs nothing."""


def health_check(request: HealthCheck, platform: Platform) -> Answer:
    """Ask the five services side by side, each for at most 3 s.

    Degraded when some fail, unhealthy when DynamoDB or most do.
    """
    probes: dict[str, Callable[[], None]] = {
        "dynamodb": platform.instances.check,
        "efs": platform.efs.check,
        "ecs": platform.ecs.check,
        "alb": platform.elb.check,
        "route53": platform.route53.check,
    }
    failures = _failures(probes)
    checks = {name: "unhealthy" if name in failures else "healthy" for name in probes}
    answer: Answer = {"success": True, "status": _verdict(failures, len(probes)), "checks": checks}
    return answer | ({"details": failures} if failures else {})


def _failures(probes: dict[str, Callable[[], None]]) -> dict[str, str]:
    pool = ThreadPoolExecutor(max_workers=len(probes))
    futures = {name: pool.submit(copy_context().run, probe) for name, probe in probes.items()}
    wait(futures.values(), timeout=_BOUND_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)  # what has not answered by now is not waited for
    said = {name: _failure(future) for name, future in futures.items()}
    return {name: failure for name, failure in said.items() if failure}


def _failure(future: Future[None]) -> str | None:
    if not future.done():
        return f"no answer within {_BOUND_SECONDS:.0f} s"
    error = future.exception()
    if error is None:
        return None
    _log.warning("health check failed", details={"error": str(error)[:300]})
    return type(error).__name__


def _verdict(failures: dict[str, str], asked: int) -> str:
    if "dynamodb" in failures or len(failures) * 2 > asked:
        return "unhealthy"
    return "degraded" if failures else "healthy"


ACTION = Action(
    HealthCheck,
    health_check,
    Scope.PUBLIC,
    Command("Whether the services of AWS that all needs answer"),
)
