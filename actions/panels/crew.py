"""Whom a table's owner lets wake, keep and stop it, by its panel or by a command that names the owner."""

from __future__ import annotations

from collections.abc import Iterable

from actions.errors import BudgetSpent, Conflict, Forbidden, NotFound
from services.platform import Platform

PREFIX = (
    "panel"  # of the ids of a panel's buttons, which go on with the action and whose table it is
)
MAY = ("start-instance", "keep-alive", "stop-instance")
OWNERS = (*MAY, "save-now")


def refuse_unless_may(
    platform: Platform, owner: str, user_id: str, roles: Iterable[str], action: str
) -> None:
    """Raise Forbidden unless that member, of these roles, may do that to that table; NotFound if there is none."""
    instance = platform.instances.find(owner)
    if instance is None:
        raise NotFound("There is no such table, or not any more.", suggestion="Ask its owner.")
    if action in OWNERS and user_id == owner:
        return
    is_crew = not {user_id, *roles}.isdisjoint(instance.get("crew", []))
    if action in MAY and is_crew:
        return
    if is_crew:
        raise Forbidden("Only its owner may do that.")
    raise Forbidden(
        "Only its owner and its crew may do that.",
        suggestion="Its owner names the crew with crew-add.",
    )


def without_money(error: Exception) -> Exception:
    """What the crew is told of an error: of the owner's money nothing."""
    if isinstance(error, BudgetSpent):
        return Conflict("The table has no budget left for now.", suggestion="Ask its owner.")
    return error
