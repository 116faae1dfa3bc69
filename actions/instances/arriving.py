"""A look at what is coming up: at its task while that comes, then at Foundry. Whoever waits looks."""

from __future__ import annotations

from typing import cast

import structlog

from actions.errors import Busy
from actions.instances.looks import pause_between_looks
from actions.instances.observing import observe
from actions.instances.progress import phase_of
from actions.instances.warming import ask
from services import clock
from services.aws import AWS_FAILURES
from services.dynamodb import Attr, ConditionFailed, absent
from services.errors import LoadBalancerFull
from services.instances import UP, Instance, Phase
from services.platform import Platform

_log = structlog.get_logger()


def look(platform: Platform, instance: Instance) -> Instance:
    """The instance as it is after a look at what it waits for: a task, Foundry, a signature, a world.

    As it was if somebody has just looked, or if it waits for nothing. That AWS is busy, or that somebody else works
    on the instance, is no error: the next look sees more.
    """
    is_playable = instance.get("phase") == Phase.READY and "saidReady" in instance
    if instance["status"] not in UP or is_playable or "taskArn" not in instance:
        return instance
    now = clock.now()
    is_time = absent("lookedAt") | Attr("lookedAt").lte(now - pause_between_looks(instance))
    same_run = Attr("runId").eq(instance["runId"])
    claim = platform.instances.change(instance, same_run & is_time, {"lookedAt": now})
    try:
        instance = cast("Instance", platform.instances.apply_update(claim))
        _look(platform, instance)
    except ConditionFailed:
        pass  # somebody else has just looked, or it has ended
    except (Busy, LoadBalancerFull, *AWS_FAILURES):
        _log.warning("a look had to wait", exc_info=True)
    return platform.instances.find(instance["userId"]) or instance


def _look(platform: Platform, instance: Instance) -> None:
    if "ruleArn" in instance:
        ask(platform, instance)
        return
    task = platform.ecs.look([instance["taskArn"]]).get(instance["taskArn"])
    if task is None:
        return  # ECS shows it in a while
    observe(platform, task)
    phase = phase_of(task)
    if phase != instance.get("phase") and task.status not in ("RUNNING", "STOPPED"):
        same_run = Attr("runId").eq(instance["runId"]) & Attr("ruleArn").not_exists()
        platform.instances.apply_update(
            platform.instances.change(instance, same_run, {"phase": phase})
        )
