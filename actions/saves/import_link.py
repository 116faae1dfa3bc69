"""import-link: the address of a page on which a zip or tar is uploaded, looked into and taken in.

The page does what begin-import and confirm-import do. Whoever has the address can do that for a day, and no more.
"""

from __future__ import annotations

from actions.action import Action, Answer, Scope, UserRequest
from actions.command import Command
from actions.lookup import instance_of
from actions.saves import tickets
from services.platform import Platform


class ImportLink(UserRequest):
    """Whose server."""


def import_link(request: ImportLink, platform: Platform) -> Answer:
    """The page's address (`url`) and until when it is good. Nothing is written, and earlier ones stay good.

    What proves that one may is behind its "#", which browsers keep to themselves. Raises InstanceNotFound.
    """
    instance = instance_of(platform, request.user_id)
    ticket, until = tickets.issue(platform, instance)
    return {
        "success": True,
        "url": f"https://{instance['host']}/_import#{ticket}",
        "until": until,
        "message": "Open this page to import worlds, systems or modules; whoever has its address can",
    }


ACTION = Action(
    ImportLink,
    import_link,
    Scope.USER,
    Command("Import worlds, systems or modules: get the link of a page for that", at_once=True),
)
