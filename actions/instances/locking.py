"""Holding the work on an instance: who has it may touch AWS for it, and gives it up whatever happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog

from actions.errors import Busy
from services import clock
from services.aws import AWS_FAILURES
from services.dynamodb import Attr, Condition, ConditionFailed
from services.instances import Instance, is_worked_on
from services.platform import Platform

_log = structlog.get_logger()


def refuse_if_busy(instance: Instance) -> None:
    """Raise Busy if somebody works on the instance at this moment."""
    if is_worked_on(instance, clock.now()):
        raise Busy(instance["status"])


@contextmanager
def working(
    platform: Platform, instance: Instance, worker: str, retry_after: int = 0
) -> Iterator[None]:
    """Around work that `worker` has taken: a failure gives it up at once, so that a repeat can carry on.

    The tick carries on after `retry_after` seconds. A process that dies gives nothing up: its hold runs out.
    """
    try:
        yield
    except Exception:
        try:
            platform.instances.leave(instance, worker, clock.now() + retry_after)
        except AWS_FAILURES:
            # The failure that brought us here is the one to report; the hold on the work runs out by itself.
            _log.warning("could not give up the work on an instance", exc_info=True)
        raise


def take_run(
    platform: Platform, instance: Instance, worker: str, when: Condition, **values: object
) -> Instance | None:
    """Take the work on the instance's present run; None if the run is over or `when` no longer holds.

    Raises Busy if somebody else has the work.
    """
    same = Attr("runId").eq(instance["runId"])
    try:
        return platform.instances.take(instance, worker, clock.now(), same & when, values)
    except ConditionFailed as refused:
        found = refused.found
        if found.get("runId") == instance["runId"] and is_worked_on(found, clock.now()):
            raise Busy(found["status"]) from refused
        return None
