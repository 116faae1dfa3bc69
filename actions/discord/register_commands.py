"""admin-register-commands: tells Discord which commands the community has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from actions.action import Action, AdminOrder, Answer, Scope
from actions.command import Command
from actions.discord.commands import definitions
from actions.errors import Conflict, TimedOut
from services.discord import NotSetUp, Refused, Undelivered
from services.platform import Platform


class RegisterCommands(AdminOrder):
    """The administrator who asks for it."""


def register_commands(request: RegisterCommands, platform: Platform) -> Answer:
    """Register the commands if any is new, different or no more; the answer says which. Repeating it is harmless.

    Those that stay as they are keep their ids (Application Commands, Bulk Overwrite Guild Application Commands).
    Raises Conflict where Discord is not set up as docs/discord.md says, TimedOut.
    """
    try:
        made, removed = _register(platform)
    except NotSetUp as lacking:
        raise Conflict(f"Discord is not set up: {lacking}.", suggestion=_WAY_OUT) from None
    except Refused as refused:
        raise Conflict(f"{refused}.", suggestion=_REFUSED.get(refused.status, _WAY_OUT)) from None
    except Undelivered:
        raise TimedOut("Discord") from None
    message = f"{len(made)} commands registered, {len(removed)} removed"
    return {"success": True, "registered": made, "removed": removed, "message": message}


_WAY_OUT = "docs/discord.md says what to set up."
_REFUSED = {
    401: "The bot's token is not good; Discord's portal has another one.",
    403: "Invite the application into the guild, with the link of the stack's output.",
}


def _register(platform: Platform) -> tuple[list[str], list[str]]:
    account = platform.discord.account()
    place = ("applications", account.application_id, "guilds", account.guild_id, "commands")
    there = {one["name"]: one for one in platform.discord.call("GET", *place)}
    wanted = {one["name"]: one for one in definitions()}
    made = [name for name, one in wanted.items() if not _is_same(one, there.get(name))]
    removed = [name for name in there if name not in wanted]
    if made or removed:
        # All in one request: one by one, they would be more than Discord takes in a moment.
        platform.discord.call("PUT", *place, body=list(wanted.values()))
    return made, removed


def _is_same(wanted: Any, there: Any) -> bool:
    """Whether Discord has all of what is wanted, and nothing else that people would see.

    It adds ids and versions, and leaves out what is as it would be anyhow.
    """
    if not wanted and not there:
        return True
    if isinstance(wanted, Mapping):
        if not isinstance(there, Mapping):
            return False
        seen = {name for name in _SEEN if there.get(name)} | wanted.keys()
        return all(_is_same(wanted.get(name), there.get(name)) for name in seen)
    if isinstance(wanted, list):
        is_alike = isinstance(there, list) and len(wanted) == len(there)
        return is_alike and all(map(_is_same, wanted, there))
    return bool(wanted == there)


_SEEN = (
    *(
        "description",
        "required",
        "options",
        "choices",
        "autocomplete",
        "default_member_permissions",
    ),
    *("min_value", "max_value", "min_length", "max_length"),
)


ACTION = Action(
    RegisterCommands,
    register_commands,
    Scope.ADMIN,
    Command("Tell Discord of new commands", options={"reason": "Why; the audit keeps it"}),
)
