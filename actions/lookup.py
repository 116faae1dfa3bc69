"""The member's server that a request is about."""

from __future__ import annotations

from actions.errors import InstanceNotFound
from services.instances import Instance
from services.platform import Platform


def instance_of(platform: Platform, user_id: str) -> Instance:
    """The user's instance; raises InstanceNotFound."""
    instance = platform.instances.find(user_id)
    if instance is None:
        raise InstanceNotFound(user_id)
    return instance
