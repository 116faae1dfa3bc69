"""The played Discord: messages, to channels and to people alone."""

from __future__ import annotations

import pytest

from local.discord import NotPossible
from tests.discord.application import button, row, slash, wrong


def test_messages_are_said_read_changed_and_deleted(app, discord, ada, tables):
    path = f"/channels/{tables.id}/messages"
    sent = [app.asks("POST", path, {"content": each}).json for each in ("one", "two", "three")]
    assert [each["content"] for each in app.asks("GET", path).json] == ["three", "two", "one"]
    before = app.asks("GET", f"{path}?before={sent[2]['id']}&limit=1").json
    assert [each["content"] for each in before] == ["two"]
    assert app.asks("PATCH", f"{path}/{sent[0]['id']}", {"content": "1"}).json["edited_timestamp"]
    assert app.asks("GET", f"{path}/{sent[0]['id']}").json["content"] == "1"
    assert app.asks("DELETE", f"{path}/{sent[0]['id']}").status == 204
    gone = app.asks("PATCH", f"{path}/{sent[0]['id']}", {"content": "x"})
    assert (gone.status, gone.json) == (404, {"message": "Unknown Message", "code": 10008})
    discord.delete(tables)
    gone = app.asks("POST", path, {"content": "x"})
    assert (gone.status, gone.json) == (404, {"message": "Unknown Channel", "code": 10003})
    with pytest.raises(NotPossible):
        discord.command(ada, "hello", channel=tables)


def test_the_bot_does_what_it_may(app, discord):
    hidden = discord.channel("hidden", bot_permissions=0)
    silent = discord.channel("silent", bot_permissions=1 << 10)
    for channel, code in ((hidden, 50001), (silent, 50013)):
        answer = app.asks("POST", f"/channels/{channel.id}/messages", {"content": "x"})
        assert (answer.status, answer.json["code"]) == (403, code)
    assert app.asks("GET", f"/channels/{hidden.id}").json["code"] == 50001
    assert app.asks("GET", f"/channels/{silent.id}").json["name"] == "silent"


def test_a_person_is_written_to_alone(app, discord, ada, bob):
    opened = app.asks("POST", "/users/@me/channels", {"recipient_id": ada.id}).json
    assert opened["type"] == 1
    assert (
        app.asks("POST", "/users/@me/channels", {"recipient_id": ada.id}).json["id"] == opened["id"]
    )
    path = f"/channels/{opened['id']}/messages"
    app.asks("POST", path, {"content": "Psst.", "components": [row(button("ok"))]})
    (psst,) = discord.direct_messages(ada)
    assert discord.direct_messages(bob) == []
    with pytest.raises(NotPossible):
        discord.press(bob, psst, "ok")
    app.answers = {"type": 7, "data": {"content": "Good.", "components": []}}
    discord.press(ada, psst, "ok")
    assert app.heard[0]["user"]["id"] == ada.id
    assert not {"member", "guild_id"} & set(app.heard[0])
    assert discord.direct_messages(ada)[0]["content"] == "Good."
    ada.takes_direct_messages = False
    assert app.asks("POST", path, {"content": "x"}).json["code"] == 50007
    discord.leaves(ada)
    assert app.asks("POST", path, {"content": "x"}).json["code"] == 50278
    assert app.asks("POST", "/users/@me/channels", {"recipient_id": "1"}).json["code"] == 50033


def field(name="n", value="v"):
    return {"name": name, "value": value}


@pytest.mark.parametrize(
    ("message", "at", "code"),
    [
        ({"content": "x" * 2001}, "content", "BASE_TYPE_MAX_LENGTH"),
        ({"content": 3}, "content", "STRING_TYPE_CONVERT"),
        ({"content": "x", "flags": 64}, "flags", "UNDOCUMENTED"),
        ({"embeds": [{"title": "x"}] * 11}, "embeds", "BASE_TYPE_MAX_LENGTH"),
        ({"embeds": [{}]}, "embeds.0.description", "BASE_TYPE_REQUIRED"),
        ({"embeds": [{"title": "x" * 257}]}, "embeds.0.title", "BASE_TYPE_MAX_LENGTH"),
        ({"embeds": [{"fields": [field()] * 26}]}, "embeds.0.fields", "BASE_TYPE_MAX_LENGTH"),
        (
            {"embeds": [{"fields": [field(value="")]}]},
            "embeds.0.fields.0.value",
            "BASE_TYPE_REQUIRED",
        ),
        (
            {"embeds": [{"fields": [field(value="x" * 1025)]}]},
            "embeds.0.fields.0.value",
            "BASE_TYPE_MAX_LENGTH",
        ),
        ({"embeds": [{"description": "x" * 3001}] * 2}, "embeds", "MAX_EMBED_SIZE_EXCEEDED"),
        ({"components": [row(button("b"))] * 6}, "components", "BASE_TYPE_MAX_LENGTH"),
        ({"components": [row()]}, "components.0.components", "BASE_TYPE_BAD_LENGTH"),
        (
            {"components": [row(*[button(str(n)) for n in range(6)])]},
            "components.0.components",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            {"components": [row(button("b")), row(button("b"))]},
            "components.1.components.0.custom_id",
            "COMPONENT_CUSTOM_ID_DUPLICATED",
        ),
        (
            {"components": [row(button("b", label="x" * 81))]},
            "components.0.components.0.label",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            {"components": [row(button("x" * 101))]},
            "components.0.components.0.custom_id",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            {"components": [row(button("", label="x"))]},
            "components.0.components.0.custom_id",
            "BUTTON_COMPONENT_CUSTOM_ID_REQUIRED",
        ),
        (
            {"components": [row(button("b", style=5))]},
            "components.0.components.0.url",
            "BUTTON_COMPONENT_URL_REQUIRED",
        ),
        (
            {"components": [row({"type": 5, "custom_id": "u"}, button("b"))]},
            "components.0.components.0",
            "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
        ),
        (
            {"components": [row({"type": 3, "custom_id": "s", "options": []})]},
            "components.0.components.0.options",
            "BASE_TYPE_BAD_LENGTH",
        ),
        (
            {"content": "x", "allowed_mentions": {"parse": ["users"], "users": ["1"]}},
            "allowed_mentions",
            "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
        ),
        (
            {"content": "x", "allowed_mentions": {"parse": ["all"]}},
            "allowed_mentions.parse",
            "BASE_TYPE_CHOICES",
        ),
    ],
)
def test_a_message_that_breaks_a_rule_is_refused(app, discord, tables, message, at, code):
    assert wrong(app.asks("POST", f"/channels/{tables.id}/messages", message)).get(at) == code
    assert discord.messages(tables) == []


@pytest.mark.parametrize(
    "message", [{}, {"content": ""}, {"content": " \n"}, {"embeds": [], "components": []}]
)
def test_an_empty_message_is_refused(app, discord, tables, message):
    path = f"/channels/{tables.id}/messages"
    assert app.asks("POST", path, message).json == {
        "message": "Cannot send an empty message",
        "code": 50006,
    }
    sent = app.asks("POST", path, {"content": "x"}).json
    emptied = app.asks("PATCH", f"{path}/{sent['id']}", {"content": None})
    assert emptied.json["code"] == 50006


def test_people_are_told_of_a_message_as_far_as_is_allowed(app, discord, ada, bob, tables):
    quiet, loud = discord.role("Quiet"), discord.role("Loud", mentionable=True)
    text = f"@everyone <@{ada.id}> <@{bob.id}> <@&{quiet.id}> <@&{loud.id}>"
    path = f"/channels/{tables.id}/messages"

    def told(**more):
        sent = app.asks("POST", path, {"content": text} | more).json
        return (
            [each["id"] for each in sent["mentions"]],
            sent["mention_roles"],
            sent["mention_everyone"],
        )

    assert told() == ([ada.id, bob.id], [loud.id], False)
    assert told(allowed_mentions={"parse": []}) == ([], [], False)
    assert told(allowed_mentions={"users": [ada.id]}) == ([ada.id], [], False)
    discord.guild.bot_permissions |= 1 << 17
    assert told() == ([ada.id, bob.id], [quiet.id, loud.id], True)
    app.registers(slash("hello"))
    app.answers = {"type": 4, "data": {"content": text}}
    answered = discord.command(ada, "hello").message
    assert len(answered["mentions"]) == 2
    assert (answered["mention_roles"], answered["mention_everyone"]) == ([], False)


def test_an_edit_changes_no_flag_that_cannot_be_changed(app, discord, ada, tables):
    app.registers(slash("hello"))
    seen = discord.command(ada, "hello", channel=tables)
    path = f"{app.webhook(seen.token)}/messages/@original"
    changed = app.asks("PATCH", path, {"content": "x", "flags": 64 | 4 | 128})
    assert changed.json["flags"] == 4
    assert not seen.is_ephemeral


def test_pages_are_asked_for_in_numbers(app, tables):
    path = f"/channels/{tables.id}/messages"
    assert wrong(app.asks("GET", f"{path}?limit=101")) == {"limit": "NUMBER_TYPE_MAX"}
    assert wrong(app.asks("GET", f"{path}?before=x")) == {"before": "NUMBER_TYPE_COERCE"}
    sent = [app.asks("POST", path, {"content": str(n)}).json["id"] for n in range(4)]
    found = app.asks("GET", f"{path}?after={sent[0]}&limit=2").json
    assert [each["content"] for each in found] == ["2", "1"]
