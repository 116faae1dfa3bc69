"""The played Discord: the guild's scheduled events."""

from __future__ import annotations

import pytest

from local.discord import NotPossible
from tests.discord.application import wrong

EVENT = {
    "name": "Session",
    "privacy_level": 2,
    "entity_type": 3,
    "entity_metadata": {"location": "https://ada.example.com"},
    "scheduled_start_time": "2026-11-21T18:00:00Z",
    "scheduled_end_time": "2026-11-21T22:00:00+00:00",
}


def test_an_event_is_announced_changed_and_over(app, clock, discord, ada, bob):
    path = f"/guilds/{discord.guild_id}/scheduled-events"
    made = app.asks("POST", path, EVENT).json
    one = f"{path}/{made['id']}"
    assert (made["status"], made["creator_id"]) == (1, discord.application_id)
    discord.interested(made["id"], bob)
    discord.interested(made["id"], ada)
    users = app.asks("GET", f"{one}/users?with_member=true").json
    assert [each["user"]["id"] for each in users] == [ada.id, bob.id]
    assert users[1]["member"]["nick"] == "Bobby"
    discord.interested(made["id"], bob, yes=False)
    assert app.asks("GET", f"{one}?with_user_count=true").json["user_count"] == 1
    assert app.asks("PATCH", one, {"name": "Finale"}).json["name"] == "Finale"
    assert wrong(app.asks("PATCH", one, {"status": 3})) == {"status": "UNDOCUMENTED"}
    clock.move(30 * 3600)
    assert app.asks("GET", one).json["status"] == 2
    start = wrong(app.asks("PATCH", one, EVENT))
    assert start == {"scheduled_start_time": "GUILD_SCHEDULED_EVENT_INVALID_START_BY_STATUS"}
    clock.move(4 * 3600)
    assert app.asks("GET", path).json == []
    over = app.asks("PATCH", one, {"name": "x"})
    assert (over.status, over.json["code"]) == (400, 180000)
    with pytest.raises(NotPossible):
        discord.interested(made["id"], ada)
    assert app.asks("DELETE", one).status == 204
    assert app.asks("GET", one).json["code"] == 10070


@pytest.mark.parametrize(
    ("change", "at", "code"),
    [
        ({"name": ""}, "name", "BASE_TYPE_REQUIRED"),
        ({"name": "x" * 101}, "name", "BASE_TYPE_BAD_LENGTH"),
        ({"description": "x" * 1001}, "description", "BASE_TYPE_MAX_LENGTH"),
        ({"privacy_level": 1}, "privacy_level", "BASE_TYPE_CHOICES"),
        ({"entity_metadata": None}, "entity_metadata", "BASE_TYPE_REQUIRED"),
        ({"entity_metadata": {"location": ""}}, "entity_metadata.location", "BASE_TYPE_REQUIRED"),
        ({"scheduled_end_time": None}, "scheduled_end_time", "BASE_TYPE_REQUIRED"),
        ({"scheduled_end_time": "2026-11-21T17:00:00Z"}, "scheduled_end_time", "UNDOCUMENTED"),
        ({"scheduled_start_time": "soon"}, "scheduled_start_time", "DATE_TIME_TYPE_PARSE"),
        (
            {"scheduled_start_time": "2026-11-20T12:00:00Z"},
            "scheduled_start_time",
            "GUILD_SCHEDULED_EVENT_SCHEDULE_PAST",
        ),
    ],
)
def test_an_event_that_breaks_a_rule_is_refused(app, discord, change, at, code):
    path = f"/guilds/{discord.guild_id}/scheduled-events"
    assert wrong(app.asks("POST", path, EVENT | change)) == {at: code}
    assert app.asks("GET", path).json == []


def test_events_need_a_permission_and_are_a_hundred(app, discord):
    path = f"/guilds/{discord.guild_id}/scheduled-events"
    assert {app.asks("POST", path, EVENT).status for _ in range(100)} == {200}
    assert app.asks("POST", path, EVENT).json["code"] == 30038
    discord.guild.bot_permissions = 0
    assert app.asks("POST", path, EVENT).json["code"] == 50013
    assert app.asks("POST", "/guilds/1/scheduled-events", EVENT).json["code"] == 10004
