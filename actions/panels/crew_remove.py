"""crew-remove: a member or a role is in the table's crew no more."""

from __future__ import annotations

from actions.action import Action, Answer, Scope
from actions.command import Command
from actions.lookup import instance_of
from actions.panels.crew_add import Crew, name_crew
from actions.retrying import retry_on_conflict
from services.platform import Platform


def crew_remove(request: Crew, platform: Platform) -> Answer:
    """Take somebody out of the crew; no error for who is not in it. Raises InstanceNotFound."""

    def remove() -> list[str]:
        instance = instance_of(platform, request.user_id)
        crew = instance.get("crew", [])
        if request.crew_id not in crew:
            return crew
        return name_crew(platform, instance, [one for one in crew if one != request.crew_id])

    return {"success": True, "crew": retry_on_conflict(remove), "message": "They are crew no more"}


ACTION = Action(
    Crew,
    crew_remove,
    Scope.USER,
    Command("Take a member or a role out of your crew", options={"crew_id": "Who may no more"}),
)
