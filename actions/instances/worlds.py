"""Which world a run opens at once, and why it did not."""

from __future__ import annotations

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
