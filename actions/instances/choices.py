"""What a member chooses for the own server, whatever it does just then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actions.errors import InstanceNotFound
from services.dynamodb import Attr, ConditionFailed
from services.instances import Instance
from services.platform import Platform


def note_choice(
    platform: Platform,
    instance: Instance,
    values: Mapping[str, Any],
    removed: tuple[str, ...] = (),
) -> None:
    """Note it, in one write. Raises InstanceNotFound if the instance is gone by now."""
    change = platform.instances.change(instance, Attr("status").exists(), values, removed)
    try:
        platform.instances.apply_update(change)
    except ConditionFailed as gone:
        raise InstanceNotFound(instance["userId"]) from gone
