"""The played Discord: who may ask it, how often, and how it fails."""

from __future__ import annotations

from http.client import RemoteDisconnected

import pytest

from local.discord import played
from tests.discord.application import NOON, slash, wrong


def test_who_is_not_the_bot_is_turned_away(app, discord):
    for token in ("", "Bot x", f"Bearer {discord.bot_token}"):
        answer = app.asks("GET", app.commands, Authorization=token)
        assert (answer.status, answer.json) == (401, {"message": "401: Unauthorized", "code": 0})
    nameless = app.asks("GET", app.commands, User_Agent="Python-urllib/3.11")
    assert (nameless.status, nameless.json["code"]) == (403, 40333)
    assert app.asks("GET", "/nowhere").status == 404
    assert app.asks("PUT", "/channels/1").status == 405
    assert app.asks("POST", app.commands, b"{").json["code"] == 50109
    plain = app.asks("POST", app.commands, slash("x"), Content_Type="text/plain")
    assert wrong(plain) == {"": "CONTENT_TYPE_INVALID"}
    assert app.asks("GET", "/applications/1/guilds/1/commands").json["code"] == 10002
    other = f"/applications/{discord.application_id}/guilds/1/commands"
    assert app.asks("GET", other).json == {"message": "Missing Access", "code": 50001}


def test_too_many_requests_have_to_wait(app, clock, discord, tables):
    discord.limits["send"] = (2, 5.0)
    path = f"/channels/{tables.id}/messages"
    answers = [app.asks("POST", path, {"content": "x"}) for _ in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["1", "0", "0"]
    limited = answers[2]
    assert limited.json == {
        "message": "You are being rate limited.",
        "retry_after": 5.0,
        "global": False,
    }
    assert limited.headers["retry-after"] == "5"
    assert float(limited.headers["x-ratelimit-reset"]) == NOON + 5
    other = discord.channel("other")
    assert app.asks("POST", f"/channels/{other.id}/messages", {"content": "x"}).status == 200
    clock.move(5)
    assert app.asks("POST", path, {"content": "x"}).status == 200
    discord.limits["global"] = (1, 1.0)
    assert app.asks("GET", path).status == 200
    everywhere = app.asks("GET", path)
    assert (everywhere.status, everywhere.json["global"]) == (429, True)
    assert everywhere.headers["x-ratelimit-global"] == "true"
    assert app.asks("POST", app.webhook("x"), {"content": "x"}).status == 401


def test_discord_fails_as_it_is_told_to(app, discord, tables):
    path = f"/channels/{tables.id}/messages"
    discord.fails_with = [500, 502]
    assert [app.asks("POST", path, {"content": "x"}).status for _ in range(3)] == [500, 502, 200]
    discord.down = True
    assert app.asks("POST", path, {"content": "y"}).status == 503
    discord.down = False
    discord.loses = 1
    with pytest.raises(RemoteDisconnected):
        app.asks("POST", path, {"content": "z"})
    assert [each["content"] for each in discord.messages(tables)] == ["x", "z"]
    assert [(method, status) for method, _, _, status in discord.requests] == [
        ("POST", status) for status in (500, 502, 200, 503, 200)
    ]
    assert discord.requests[-1][1:3] == (path, {"content": "z"})


def test_a_message_with_a_nonce_is_said_once(app, clock, discord, tables):
    path = f"/channels/{tables.id}/messages"
    body = {"content": "x", "nonce": "friday", "enforce_nonce": True}
    first, again = (app.asks("POST", path, body).json for _ in range(2))
    assert first["id"] == again["id"]
    assert len(discord.messages(tables)) == 1
    clock.move(181)
    app.asks("POST", path, body)
    assert len(discord.messages(tables)) == 2


def test_without_a_clock_it_is_now():
    with played(lambda body, headers: (200, b"{}")) as discord:
        assert discord.joins("Ada").joined_at > NOON - 86_400 * 365 * 2
        assert discord.limits["global"] == (50, 1.0)
