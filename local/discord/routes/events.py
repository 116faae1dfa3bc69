"""The guild's scheduled events. Source: Guild Scheduled Event."""

from __future__ import annotations

from local.discord.answers import refusal
from local.discord.events import Events
from local.discord.routes.route import Answered, Call, Route

_PATH = "/guilds/{guild}/scheduled-events"


def _events(call: Call) -> Events:
    if call.ids["guild"] != call.discord.guild_id:
        raise refusal(10004)
    return call.discord.events


def _list(call: Call) -> Answered:
    return 200, _events(call).listed(call.asks("with_user_count"))


def _create(call: Call) -> Answered:
    return 200, _events(call).create(call.body)


def _get(call: Call) -> Answered:
    return 200, _events(call).get(call.ids["event"], call.asks("with_user_count"))


def _edit(call: Call) -> Answered:
    return 200, _events(call).edit(call.ids["event"], call.body)


def _delete(call: Call) -> Answered:
    _events(call).delete(call.ids["event"])
    return 204, None


def _users(call: Call) -> Answered:
    return 200, _events(call).interested(call.ids["event"], call.query)


ROUTES = (
    Route("GET", _PATH, "events", _list),
    Route("POST", _PATH, "events", _create),
    Route("GET", _PATH + "/{event}", "events", _get),
    Route("PATCH", _PATH + "/{event}", "events", _edit),
    Route("DELETE", _PATH + "/{event}", "events", _delete),
    Route("GET", _PATH + "/{event}/users", "events", _users),
)
