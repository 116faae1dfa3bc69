"""How far a server that comes up is."""

from __future__ import annotations

from contextlib import suppress

from services import clock
from services.dynamodb import Attr, ConditionFailed
from services.instances import Instance
from services.platform import Platform

LOOK_SECONDS = 3


def look(platform: Platform, instance: Instance) -> Instance:
    """The instance as it is after a look at ECS and Foundry, of which there is one every 3 s whoever asks."""
    now = clock.now()
    if instance.get("lookedAt", 0) > now - LOOK_SECONDS:
        return instance
    is_due = Attr("lookedAt").not_exists() | Attr("lookedAt").lte(now - LOOK_SECONDS)
    with suppress(ConditionFailed):
        platform.instances.apply_update(
            platform.instances.change(instance, is_due, {"lookedAt": now})
        )
    return platform.instances.find(instance["userId"]) or instance
