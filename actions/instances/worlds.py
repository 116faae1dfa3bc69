"""Which world a run opens at once, and why it did not."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import Field

from actions.action import hinted
from services.instances import Instance, booked_now

# How Foundry lets a world's directory be called (docs/sources.md, Foundry VTT).
World = Annotated[
    str,
    Field(min_length=1, max_length=100, pattern="^[A-Za-z0-9_-]+$"),
    hinted(
        "Send the name of the world's directory as Foundry shows it under Edit World, such as my-campaign: letters"
        " without accents, digits, - and _."
    ),
]


def world_to_open(instance: Instance, now: int) -> str | None:
    """The world that a run which is decided now opens: the session's whose time it is, else the server's own."""
    booking = booked_now(instance, now)
    if booking and "world" in booking:
        return booking["world"]
    return instance.get("world")


# What container.sh writes, alone on a line.
_SAID = re.compile(r"^The world is not opened at once: (.{1,200})\.$", re.MULTILINE)


def said_by(log: str) -> str | None:
    """Why the preparing container, whose log this is, did not have the world opened; None if it says nothing."""
    found = _SAID.search(log)
    return found[1] if found else None
