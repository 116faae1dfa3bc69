"""crew-add: a member or a role of Discord's may wake, keep and stop a table by its panel."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from actions.action import Action, Answer, Scope, UserRequest, hinted
from actions.command import Command
from actions.errors import Conflict
from actions.lookup import instance_of
from actions.retrying import retry_on_conflict
from services.dynamodb import Attr, absent, transact
from services.instances import Instance
from services.platform import Platform

_MOST = 25
Snowflake = Annotated[
    str,
    Field(pattern=r"^[0-9]{15,20}$"),
    hinted("Send the id of a member, a role or a channel of Discord, digits only, as a text."),
]


class Crew(UserRequest):
    """Whose table, and which member or role."""

    crew_id: Snowflake


def crew_add(request: Crew, platform: Platform) -> Answer:
    """Add to the crew, who may not destroy the table nor see its money. Raises InstanceNotFound, Conflict."""

    def add() -> list[str]:
        instance = instance_of(platform, request.user_id)
        crew = instance.get("crew", [])
        if request.crew_id not in crew and len(crew) >= _MOST:
            raise Conflict(
                f"A crew has {_MOST} at most.",
                field="crewId",
                suggestion="Name a role instead of many members, or take somebody out with crew-remove.",
            )
        return name_crew(platform, instance, sorted({*crew, request.crew_id}))

    return {"success": True, "crew": retry_on_conflict(add), "message": "They may wake the table"}


def name_crew(platform: Platform, instance: Instance, crew: list[str]) -> list[str]:
    """Note a crew in place of the one that the instance was read with. Raises ConditionFailed if it is another."""
    before = instance.get("crew")
    same = absent("crew") if before is None else Attr("crew").eq(before)
    transact(platform.instances.change(instance, same, {"crew": crew}))
    return crew


ACTION = Action(
    Crew,
    crew_add,
    Scope.USER,
    Command(
        "Let a member or a role wake, keep and stop your table",
        options={"crew_id": "Who may"},
    ),
)
