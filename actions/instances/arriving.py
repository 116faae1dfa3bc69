"""How far a server that comes up is."""

from __future__ import annotations

from services.instances import Instance
from services.platform import Platform


def look(platform: Platform, instance: Instance) -> Instance:
    """The instance as it is after a look at ECS and Foundry, of which there is one every 3 s whoever asks."""
    return instance
