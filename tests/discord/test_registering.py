"""Discord is told which commands there are: all that changed, and nothing else."""

from __future__ import annotations

import json

import pytest

from actions import ACTIONS, COMMANDS, find
from actions.action import Scope
from actions.discord.commands import definitions
from tests import world
from tests.actions_that_read import ONLY_READ

pytestmark = pytest.mark.slow
NAMES = ["server", "saves", "session", "license", "costs", "admin"]
# What no member and no administrator does by a command, each for a reason (docs/discord.md).
NOT_IN_DISCORD = {
    *("table-page", "table-state", "wake-table", "kofi-webhook", "readiness", "client-token"),
    *("begin-import", "confirm-import"),  # a page does them (import-link)
    *("chat", "list-data", "user-token", "webhook-create", "webhook-list", "webhook-delete"),
    *(name for name in ACTIONS if name.startswith(("function-", "client-"))),
} - {"function-figures"}


def changes(community):
    return [asked[0] for asked in community.discord.requests if asked[0] != "GET"]


def test_the_second_time_nothing_is_sent(community, invoke):
    assert changes(community) == ["PUT"]
    again = invoke("admin-register-commands", userId="admin")
    assert (again["registered"], again["removed"]) == ([], [])
    assert changes(community) == ["PUT"]


def test_what_differs_is_registered_and_what_is_no_more_is_removed(community, invoke):
    c = community
    place = f"/applications/{c.discord.application_id}/guilds/{c.discord.guild_id}/commands"
    from handler.app import platform

    api = ("applications", c.discord.application_id, "guilds", c.discord.guild_id, "commands")
    ours = {one["name"]: one for one in platform().discord.call("GET", *api)}
    platform().discord.call("PATCH", *api, ours["costs"]["id"], body={"description": "Money"})
    platform().discord.call("POST", *api, body={"name": "old", "description": "Gone", "type": 1})
    platform().discord.call("DELETE", *api, ours["saves"]["id"])
    answer = invoke("admin-register-commands", userId="admin")
    assert (set(answer["registered"]), answer["removed"]) == ({"costs", "saves"}, ["old"])
    found = {one["name"]: one["id"] for one in platform().discord.call("GET", *api)}
    assert set(found) == set(NAMES)
    assert found["server"] == ours["server"]["id"], "what stays as it is keeps its id"
    assert c.discord.requests[-1][1].endswith(place)


@pytest.mark.parametrize("place", ["server start", "session book", "admin maintenance"])
def test_every_word_of_a_command_counts(community, invoke, place):
    """An option that another release had, or worded otherwise, is noticed."""
    from handler.app import platform

    c = community
    api = ("applications", c.discord.application_id, "guilds", c.discord.guild_id, "commands")
    group, name = place.split()
    [there] = [one for one in platform().discord.call("GET", *api) if one["name"] == group]
    for change in (
        lambda sub: sub.update(description="Otherwise"),
        lambda sub: sub.setdefault("options", []).append(
            {"type": 3, "name": "more", "description": "More"}
        ),
        lambda sub: (
            sub.get("options", [{}])[0].update(max_length=5)
            if sub.get("options", [{}])[0].get("type") == 3
            else sub.update(description="Otherwise")
        ),
    ):
        options = json.loads(json.dumps(there["options"]))
        [sub] = [one for one in options if one["name"] == name]
        change(sub)
        platform().discord.call("PATCH", *api, there["id"], body={"options": options})
        assert invoke("admin-register-commands", userId="admin")["registered"] == [group]


def test_a_token_that_is_not_good_and_a_guild_without_the_bot_are_told_apart(community, invoke):
    community.discord.fails_with = [401]
    token = invoke("admin-register-commands", userId="admin")
    assert "token" in token["details"]["suggestion"]
    community.discord.fails_with = [403]
    guild = invoke("admin-register-commands", userId="admin")
    assert "Invite" in guild["details"]["suggestion"]
    community.discord.fails_with = [503]
    assert invoke("admin-register-commands", userId="admin")["errorCode"] == "TIMEOUT_ERROR"
    secrets = world.client("secretsmanager")
    held = secrets.get_secret_value(SecretId="foundry-test/discord")["SecretString"]
    assert json.loads(held)["botToken"] not in str([token, guild])


def test_all_that_members_and_administrators_do_is_in_discord_but_for_what_is_for_programs():
    shown = set(COMMANDS.values())
    by_people = {
        name
        for name in ACTIONS
        if find(name).scope in (Scope.USER, Scope.ADMIN, Scope.PUBLIC, Scope.SPEAKER)
    }
    assert by_people - shown == NOT_IN_DISCORD
    assert shown <= by_people


@pytest.mark.parametrize("name", ACTIONS)
def test_an_action_says_how_discord_shows_it_exactly_if_discord_has_it(name):
    assert (find(name).command is not None) == (name in COMMANDS.values())


def test_commands_are_few_enough_and_short_enough():
    for command in definitions():
        assert len(command["options"]) <= 25
        assert len(json.dumps(command)) < 8000


def test_what_only_reads_tables_is_answered_at_once_and_all_else_within_the_quarter_of_an_hour():
    at_once = {name for name in COMMANDS.values() if (c := find(name).command) and c.at_once}
    of_other_services = {"get-logs", "health-check"}
    writes_one_item = {"set-time-zone"}
    assert at_once == (ONLY_READ & set(COMMANDS.values())) - of_other_services | writes_one_item
