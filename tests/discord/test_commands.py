"""What members do by commands in Discord."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import pytest

from actions import COMMANDS, find
from actions.discord.commands import command_of, fields_of
from local.discord import NotPossible
from tests import world
from tests.foundry_server import NOBODY_PLAYS

pytestmark = pytest.mark.slow


def stamps(text):
    return [int(found) for found in re.findall(r"<t:(\d+):F>", text)]


def test_discord_takes_the_endpoints_address(community):
    assert community.discord.ping()


def test_a_server_is_made_started_and_destroyed(community, ecs):
    c = community
    made = c.makes_server(c.ada)
    assert made.text == "Instance created successfully.\nhttps://ada.play.example"
    assert "**Created**" in c.asks(c.ada, "server status").text
    started = c.discord.command(c.ada, "server start")
    assert started.is_thinking
    assert "https://ada.play.example" in c.carried_out(started).text
    ecs.comes_up(ecs.only_task())
    assert "**Running**" in c.asks(c.ada, "server status").text
    sure = c.asks(c.ada, "server destroy")
    assert "Are you sure?" in sure.text
    assert world.items("instances"), "nothing is destroyed before the button is pressed"
    assert "destroyed" in c.presses(c.ada, sure).text
    assert sure.message["components"] == []


def test_a_new_server_is_called_what_the_guild_calls_its_member(community):
    nick = community.discord.joins("carla77", nick="Carla the Brave")
    assert "https://carla-the-brave.play.example" in community.makes_server(nick).text


def test_what_anybody_is_told_is_seen_by_nobody_else_and_rings_nobody(community):
    c = community
    c.makes_server(c.ada)
    for path in ("server status", "saves list", "costs show", "server start", "server destroy"):
        seen = c.asks(c.ada, path)
        assert seen.message["flags"] & 64
        assert not seen.message["mentions"]
    assert [c.discord.messages(one) for one in c.discord.guild.channels.values()] == [[]]


@pytest.mark.parametrize("path", COMMANDS)
def test_what_is_secret_is_asked_for_in_a_form_and_is_no_option(path):
    action = find(COMMANDS[path])
    fields = action.request.model_fields
    secret = {name for name, field in fields.items() if "Secret" in str(field.annotation)}
    asked = {field.field for field in fields_of(COMMANDS[path])}
    assert secret <= asked
    assert not secret & command_of(COMMANDS[path]).options.keys()


def test_no_answer_log_queue_or_table_shows_what_was_typed_into_a_form(community, capsys):
    c = community
    form = c.discord.command(c.ada, "server create")
    sent = c.discord.submits(
        c.ada, form, foundryLicense="ZZZZ-YYYY-XXXX-WWWW-VVVV-UUUU", foundryAdminKey="open sesame"
    )
    shown = [
        c.orders(),
        c.carried_out(sent).message,
        world.items("registry"),
        world.items("instances"),
    ]
    logged = capsys.readouterr().out
    lines = [json.loads(line) for line in logged.splitlines()]
    mine = [
        one for one in lines if one["message"] == "answered" and one["action"] == "create-instance"
    ]
    assert len(mine) == 3, "for the form, for what was filled in, and for what was carried out"
    for secret in ("ZZZZ", "sesame", c.discord.bot_token, sent.token):
        assert secret not in str(shown) + logged


def test_a_session_is_booked_moved_and_cancelled_in_the_members_own_time(community, freezer):
    freezer.move_to("2026-11-24T10:00:00Z")
    c = community
    c.makes_server(c.ada)
    c.asks(c.ada, "session time-zone", **{"time-zone": "Europe/Berlin"})
    booked = c.asks(
        c.ada, "session book", when="friday 8pm", minutes=240, title="The *last* evening"
    )
    friday = datetime(2026, 11, 27, 19, tzinfo=UTC)
    assert stamps(booked.text) == [friday.timestamp()]
    [choice] = c.discord.types(c.ada, "session move", option="session", text="last")
    moved = c.asks(c.ada, "session move", session=choice["value"], when="sat 19:30")
    assert stamps(moved.text) == [(friday + timedelta(hours=23, minutes=30)).timestamp()]
    listed = c.asks(c.ada, "session list").text
    assert r"**The \*last\* evening**" in listed
    assert "cancelled" in c.asks(c.ada, "session cancel", session=choice["value"]).text
    assert c.discord.types(c.ada, "session move", option="session", text="") == []


def test_a_time_that_is_not_certain_books_nothing(community):
    c = community
    c.makes_server(c.ada)
    for text in ("friday", "8", "soon", "friday 8pm EST", "25:00", "<t:99>"):
        seen = c.asks(c.ada, "session book", when=text, minutes=240)
        assert seen.text.startswith("⚠️"), text
    assert world.items("sessions") == []


def test_who_types_chooses_from_the_own_saves_and_zones_only(community):
    c = community
    c.makes_server(c.ada)
    assert c.discord.types(c.ada, "saves restore", option="save", text="") == []
    zones = c.discord.types(c.ada, "session time-zone", option="time-zone", text="new york")
    assert zones[0] == {"name": "America/New York", "value": "America/New_York"}
    assert len(c.discord.types(c.ada, "session time-zone", option="time-zone", text="")) == 25
    assert c.discord.types(c.ben, "saves restore", option="save", text="") == []


def test_who_types_a_version_chooses_from_those_that_the_own_server_can_have(
    community, ecs, foundry, freezer
):
    c = community
    chosen = c.discord.types(c.ada, "server create", option="version", text="")
    assert [one["value"] for one in chosen] == ["14", "13", "12", "11"]
    c.makes_server(c.ada)
    c.asks(c.ada, "server start")
    ecs.comes_up(ecs.only_task())
    foundry.says["ada.play.example"] = NOBODY_PLAYS  # and that it is 13.351
    freezer.tick(300)
    c.invoke("auto-shutdown-check", userId="system")
    chosen = c.discord.types(c.ada, "server update", option="version", text="")
    assert [one["value"] for one in chosen] == ["13.351", "14", "13"]
    chosen = c.discord.types(c.ada, "server update", option="version", text="14")
    assert chosen == [{"name": "14, its newest build", "value": "14"}]


def test_a_refusal_names_commands_and_what_to_do(community):
    c = community
    assert c.asks(c.ben, "server start").text == (
        "⚠️ You have no Foundry server yet. Make one with `/server create`."
    )


def test_an_administrator_does_by_commands_what_the_audit_then_shows(community, ecs):
    c = community
    c.makes_server(c.ada)
    c.asks(c.ada, "server start")
    ecs.comes_up(ecs.only_task())
    overview = c.asks(c.boss, "admin overview").text
    assert overview.startswith("Servers: 1 (1 running)")
    assert f"<@{c.ada.id}> Ada: running" in c.asks(c.boss, "admin servers").text
    stopped = c.asks(c.boss, "admin stop", member=c.ada, reason="The hall *burns*")
    assert not stopped.text.startswith("⚠️")
    begun = c.asks(
        c.boss, "admin maintenance", enabled=True, until="in 2 hours", reason="A new disk"
    )
    assert stamps(begun.text)
    audit = c.asks(c.boss, "admin audit").text
    assert f"<@{c.boss.id}> admin-force-shutdown <@{c.ada.id}>, done: The hall \\*burns\\*" in audit
    assert "admin-system-maintenance" in audit


def test_who_may_not_manage_the_guild_is_not_even_shown_what_administrators_do(community):
    with pytest.raises(NotPossible):
        community.discord.command(community.ada, "admin overview")


def test_a_long_list_is_cut_at_a_line(community, freezer):
    freezer.move_to("2026-11-24T10:00:00Z")
    c = community
    c.makes_server(c.ada)
    for day in range(28, 40):
        when = datetime(2026, 11, 1, 20, tzinfo=UTC) + timedelta(days=day)
        booked = c.asks(
            c.ada, "session book", when=f"<t:{int(when.timestamp())}>", minutes=60, title="x" * 100
        )
        assert not booked.text.startswith("⚠️"), booked.text
    text = c.asks(c.ada, "session list").text
    assert len(text) <= 2000
    assert text.splitlines()[-1] == "… and more; Discord takes no longer text."
    assert all(line.endswith("`") for line in text.splitlines()[:-1])
