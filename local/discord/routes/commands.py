"""The guild's application commands.

Source: Application Commands, Endpoints. A guild in which the application is not is one that it has no access to.
"""

from __future__ import annotations

from local.discord.answers import refusal
from local.discord.registry import Registry
from local.discord.routes.route import Answered, Call, Route, of_application

_PATH = "/applications/{application}/guilds/{guild}/commands"


def _registry(call: Call) -> Registry:
    of_application(call)
    if call.ids["guild"] != call.discord.guild_id:
        raise refusal(50001)
    return call.discord.commands


def _list(call: Call) -> Answered:
    return 200, _registry(call).listed(call.asks("with_localizations"))


def _create(call: Call) -> Answered:
    return _registry(call).create(call.body)


def _overwrite(call: Call) -> Answered:
    return 200, _registry(call).overwrite(call.body)


def _get(call: Call) -> Answered:
    registry = _registry(call)
    return 200, registry.shown(registry.get(call.ids["command"]))


def _edit(call: Call) -> Answered:
    return 200, _registry(call).edit(call.ids["command"], call.body)


def _delete(call: Call) -> Answered:
    _registry(call).delete(call.ids["command"])
    return 204, None


ROUTES = (
    Route("GET", _PATH, "commands", _list),
    Route("POST", _PATH, "commands", _create),
    Route("PUT", _PATH, "commands", _overwrite),
    Route("GET", _PATH + "/{command}", "commands", _get),
    Route("PATCH", _PATH + "/{command}", "commands", _edit),
    Route("DELETE", _PATH + "/{command}", "commands", _delete),
)
