"""How often what comes up is looked at, whoever looks: known also to who loads nothing that looks (arriving.py)."""

from __future__ import annotations

from services.instances import Instance

_SECONDS = 3
# Where a person is at work at its setup screen, what is asked must not look like that work (idling.py).
_SECONDS_AT_SETUP = 60


def pause_between_looks(instance: Instance) -> int:
    """Seconds for which a look is everybody's, however many people wait."""
    return _SECONDS_AT_SETUP if "saidReady" in instance else _SECONDS
