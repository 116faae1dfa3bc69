"""Who may what in Discord: every command by everybody, and what nobody may."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from actions import COMMANDS, find
from actions.action import Scope
from actions.discord.commands import BOOLEAN, INTEGER, MOMENTS, USER, fields_of, options_of
from tests import world
from tests.discord.community import FORM
from tests.world import sample

pytestmark = pytest.mark.slow
SAMPLED = "2026-11-21T20:00:00Z"  # when the samples are of
NOT_HERE = "⚠️ This works in the community's own Discord server only."
NOT_ADMIN = "⚠️ Only administrators may do this."
# What somebody who has no server can ask for all the same, administrators' matters aside.
NEEDS_NO_SERVER = {
    "create-instance",
    "license-pool-status",
    "get-user-costs",
    "set-time-zone",
    "get-scheduled-sessions",
    "health-check",  # everybody's, though Discord shows it to administrators
}
REFUSED_OTHERWISE = {
    "restore-instance": "There is no destroyed server",
    "link-donor": "No donation with that transaction id",
    "move-session": "You have no such session",
    "cancel-scheduled-session": "You have no such session",
    "release-license": "You hold no licence",
}


def typed(path: str, member: Any) -> dict[str, Any]:
    """What a member gives who types a command as the documentation's sample has it."""
    given = sample(COMMANDS[path]) | {"targetUserId": member, "toUserId": member}
    return {
        option.name: _typed(option, given[option.wire])
        for option in options_of(COMMANDS[path])
        if option.required or (option.wire in given and option.type in (BOOLEAN, INTEGER))
    }


def _typed(option, value):
    if option.field in MOMENTS:
        return datetime.fromtimestamp(value, UTC).strftime("%Y-%m-%d %H:%M")
    return value if option.type in (BOOLEAN, INTEGER, USER) else str(value)


def payload(c, who, path, guild=None):
    """A command as Discord posts it, of whoever and wherever; Discord's client would not let all of them."""
    group, name = path.split()
    options = [
        {"name": n, "type": 3, "value": v.id if hasattr(v, "id") else v}
        for n, v in typed(path, c.ben).items()
    ]
    user = {"id": who.id, "username": who.name.lower(), "global_name": who.name}
    return {
        "id": c.discord.guild.ids.next(),
        "application_id": c.discord.application_id,
        "type": 2,
        "token": f"token-{path}",
        "version": 1,
        "guild_id": guild or c.discord.guild_id,
        "member": {"user": user, "roles": [role.id for role in who.roles], "permissions": "0"},
        "data": {
            "id": "1",
            "type": 1,
            "name": group,
            "options": [{"name": name, "type": 1, "options": options}],
        },
    }


def told(c, sent, who) -> str:
    """What is said to who has sent that, by a form or a button where one comes first."""
    answer = c.signs(sent)[1]
    custom_id = ""
    if answer["type"] == 9:
        custom_id, kind = answer["data"]["custom_id"], 5
    elif answer["data"].get("components"):
        custom_id, kind = answer["data"]["components"][0]["components"][0]["custom_id"], 3
    if custom_id:
        action = custom_id.partition("?")[0]
        fields = [field.wire for field in fields_of(action)]
        values = sample(action) | FORM
        rows = [
            {"type": 1, "components": [{"type": 4, "custom_id": name, "value": str(values[name])}]}
            for name in fields
            if name in values
        ]
        data = {"custom_id": custom_id, "components": rows}
        more = {"id": c.discord.guild.ids.next(), "type": kind, "data": data}
        answer = c.signs(sent | more)[1]
    if answer["type"] == 4:
        return answer["data"]["content"]
    [order] = c.orders()
    said: list[str] = []
    platform_said(c, order, said)
    return said[0]


def platform_said(c, order, said):
    """Carry an order out; what Discord is told of it, whose token it does not know."""
    from tests.aws_calls import AWS

    AWS.queue.clear()
    before = len(c.discord.requests)
    c.invoke(order)
    bodies = [body for _, path, body, _ in c.discord.requests[before:] if "messages" in path]
    said.append(bodies[0]["content"])


@pytest.mark.parametrize("path", COMMANDS)
def test_in_another_guild_nobody_does_anything(community, path):
    c = community
    before = everything()
    for who in (c.ada, c.boss):
        _, said = c.signs(payload(c, who, path, guild="123456789012345678"))
        assert said["data"]["content"].startswith(NOT_HERE)
    without_member = payload(c, c.boss, path) | {"user": {"id": c.boss.id}}
    del without_member["member"], without_member["guild_id"]
    assert c.signs(without_member)[1]["data"]["content"].startswith(NOT_HERE)
    assert c.orders() == []
    assert everything() == before


@pytest.mark.parametrize("path", COMMANDS)
def test_who_is_no_administrator_does_nothing_of_theirs(community, freezer, path):
    freezer.move_to(SAMPLED)
    c = community
    action = COMMANDS[path]
    before = everything()
    said = told(c, payload(c, c.ada, path), c.ada)
    if find(action).scope is Scope.ADMIN:
        assert said.startswith(NOT_ADMIN)
        assert everything() == before
    elif action in REFUSED_OTHERWISE:
        assert REFUSED_OTHERWISE[action] in said
    elif action in NEEDS_NO_SERVER:
        assert not said.startswith("⚠️"), said
    else:
        assert said.startswith("⚠️ You have no Foundry server yet."), said


@pytest.mark.parametrize("path", [p for p in COMMANDS if find(COMMANDS[p]).scope is Scope.ADMIN])
def test_who_has_the_role_is_an_administrator_and_without_it_is_none_any_more(community, path):
    c = community
    said = told(c, payload(c, c.boss, path), c.boss)
    assert not said.startswith(NOT_ADMIN), said
    c.boss.roles.clear()
    assert told(c, payload(c, c.boss, path), c.boss).startswith(NOT_ADMIN)


def test_whoever_the_operator_or_another_has_named_is_an_administrator_without_the_role(community):
    c = community
    assert told(c, payload(c, c.ada, "admin overview"), c.ada).startswith(NOT_ADMIN)
    granted = c.invoke("admin-grant", userId="admin", targetUserId=c.ada.id)
    assert granted["success"]
    assert told(c, payload(c, c.ada, "admin overview"), c.ada).startswith("Servers: 0")


def test_where_no_role_is_named_no_role_makes_an_administrator(community):
    c = community
    secret = world.client("secretsmanager")
    held = json.loads(secret.get_secret_value(SecretId="foundry-test/discord")["SecretString"])
    del held["adminRoleId"]
    secret.put_secret_value(SecretId="foundry-test/discord", SecretString=json.dumps(held))
    world.new_process()
    assert told(c, payload(c, c.boss, "admin overview"), c.boss).startswith(NOT_ADMIN)


@pytest.mark.parametrize("path", ["server start", "server status", "saves make"])
def test_nobody_acts_on_another_members_server(community, path):
    c = community
    c.makes_server(c.ada)
    before = world.items("instances")
    assert "You have no Foundry server yet." in told(c, payload(c, c.ben, path), c.ben)
    assert world.items("instances") == before


def everything():
    """What the tables hold, but for which interactions have come and who asked for what in vain."""
    found = {what: world.items(what) for what in world.TABLES if what not in ("audit", "registry")}
    kept = ("nonce:", "order:")
    registry = [i for i in world.items("registry") if not i["name"].startswith(kept)]
    return found | {"registry": registry}
