"""The played Discord: interactions, as the application is told of them and as people see their answers."""

from __future__ import annotations

import pytest

from local.discord import NOTHING, NotPossible
from tests.discord.application import NOON, button, row, slash

SERVER = slash(
    "server",
    options=[
        slash("start", type=1, options=[slash("name", type=3, required=True)]),
        slash("saves", type=2, options=[slash("list", type=1)]),
    ],
)


def test_a_command_reaches_the_application_and_its_answer_the_channel(app, discord, ada, tables):
    app.registers(SERVER)
    seen = discord.command(ada, "server start", channel=tables, name="friday")
    (told,) = app.heard
    assert told["data"]["options"] == [
        {"name": "start", "type": 1, "options": [{"name": "name", "type": 3, "value": "friday"}]}
    ]
    assert (
        told["member"]["user"] | {"username": "ada", "global_name": "Ada"} == told["member"]["user"]
    )
    assert (told["type"], told["version"], told["context"]) == (2, 1, 0)
    assert told["guild_id"] == discord.guild_id
    assert told["channel_id"] == tables.id
    assert told["authorizing_integration_owners"] == {"0": discord.guild_id}
    assert seen.text == "Yes."
    assert [each["content"] for each in discord.messages(tables)] == ["Yes."]
    assert seen.message["interaction_metadata"]["user"]["id"] == ada.id


def test_ids_have_the_time_in_them_and_grow(clock, discord, ada, bob):
    assert int(ada.id) < int(bob.id)
    clock.move(60)
    later = discord.joins("Cy")
    assert (int(later.id) >> 22) + 1_420_070_400_000 == (NOON + 60) * 1000


def test_an_endpoint_that_tells_a_bad_signature_is_taken(app, discord):
    assert discord.ping()
    app.discord.endpoint = lambda body, headers: (200, b'{"type": 1}')
    assert not discord.ping()


def test_a_request_can_come_again_be_forged_and_be_late(app, discord, ada):
    app.registers(SERVER)
    seen = discord.command(ada, "server start", name="x")
    assert discord.redeliver(seen)[0] == 200
    assert app.heard[0] == app.heard[1]
    assert discord.forge(seen, seen.body.replace(b"Ada", b"Eve"))[0] == 401
    assert discord.late(seen, 200)[0] == 200
    assert discord.late(seen, 400)[0] == 401


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        ({"type": 4, "data": {"content": "x"}}, 500),
        (b"", 202),
        (b"no", 200),
        ([], 200),
        ({"type": 1}, 200),
        ({"type": 7, "data": {"content": "x"}}, 200),
        ({"type": 6}, 200),
        ({"type": 4}, 200),
        ({"type": 4, "data": {"content": ""}}, 200),
        ({"type": 4, "data": {"content": "x" * 2001}}, 200),
        ({"type": 4, "data": {"content": "x", "flags": 128}}, 200),
        ({"type": 5, "data": {"flags": 4}}, 200),
        ({"type": 9, "data": {"title": "x", "custom_id": "y", "components": []}}, 200),
    ],
)
def test_an_answer_that_discord_does_not_take_is_none(app, discord, ada, tables, answer, status):
    app.registers(slash("hello"))
    app.answers, app.status = answer, status
    seen = discord.command(ada, "hello")
    assert seen.text == NOTHING
    assert seen.refused
    assert seen.message is None
    assert discord.messages(tables) == []
    assert app.asks("GET", f"{app.webhook(seen.token)}/messages/@original").json["code"] == 10015


def test_an_answer_after_three_seconds_is_none(app, discord, ada):
    app.registers(slash("hello"))
    app.takes = 3.01
    assert discord.command(ada, "hello").text == NOTHING
    app.takes = 2.99
    assert discord.command(ada, "hello").text == "Yes."


def test_what_is_answered_later_takes_the_place_of_thinking(app, discord, ada, bob, tables):
    app.registers(slash("hello"))
    app.answers = {"type": 5, "data": {"flags": 64}}
    seen = discord.command(ada, "hello", channel=tables)
    assert seen.is_thinking
    assert seen.is_ephemeral
    original = f"{app.webhook(seen.token)}/messages/@original"
    changed = app.asks("PATCH", original, {"content": "Done."}, Authorization="none")
    assert changed.status == 200
    assert (seen.text, seen.is_thinking, seen.is_ephemeral) == ("Done.", False, True)
    assert discord.messages(tables) == discord.messages(tables, bob) == []
    assert len(discord.messages(tables, ada)) == 1
    assert app.asks("GET", original).json["content"] == "Done."
    fetched = app.asks("GET", f"/channels/{tables.id}/messages/{seen.message['id']}")
    assert (fetched.status, fetched.json["code"]) == (404, 10008)
    assert app.asks("DELETE", original).status == 204
    assert seen.message is None
    gone = app.asks("PATCH", original, {"content": "Again."})
    assert (gone.status, gone.json["code"]) == (404, 10008)


def test_a_token_is_good_after_the_answer_and_for_fifteen_minutes(app, clock, discord, ada):
    app.registers(slash("hello"))
    early = []

    def too_early(told):
        path = f"{app.webhook(told['token'])}/messages/@original"
        early.append(app.asks("PATCH", path, {"content": "!"}))
        return {"type": 4, "data": {"content": "Yes."}}

    app.answers = too_early
    seen = discord.command(ada, "hello")
    assert (early[0].status, early[0].json["code"]) == (404, 10015)
    clock.move(899)
    assert app.asks("POST", app.webhook(seen.token), {"content": "And."}).status == 200
    clock.move(1)
    late = app.asks("POST", app.webhook(seen.token), {"content": "Then."})
    assert (late.status, late.json) == (401, {"message": "Invalid Webhook Token", "code": 50027})
    assert app.asks("POST", app.webhook("made-up"), {"content": "x"}).json["code"] == 50027


def test_follow_ups_are_said_changed_and_taken_back(app, discord, ada, tables):
    app.registers(slash("hello"))
    seen = discord.command(ada, "hello", channel=tables)
    webhook = app.webhook(seen.token)
    loud = app.asks("POST", webhook, {"content": "All."}).json
    quiet = app.asks("POST", webhook, {"content": "You.", "flags": 64}).json
    assert [each["content"] for each in seen.followups] == ["All.", "You."]
    assert [each["content"] for each in discord.messages(tables)] == ["Yes.", "All."]
    app.asks("PATCH", f"{webhook}/messages/{quiet['id']}", {"content": "Only you."})
    assert app.asks("DELETE", f"{webhook}/messages/{loud['id']}").status == 204
    assert [each["content"] for each in seen.followups] == ["Only you."]
    assert app.asks("POST", webhook, {"content": ""}).json["code"] == 50006


def test_the_first_follow_up_takes_the_place_of_thinking(app, discord, ada):
    app.registers(slash("hello"))
    app.answers = {"type": 5}
    seen = discord.command(ada, "hello")
    app.asks("POST", app.webhook(seen.token), {"content": "Done.", "flags": 64})
    assert (seen.text, seen.followups, seen.is_ephemeral) == ("Done.", [], False)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("nothing", {}),
        ("server", {}),
        ("server saves", {}),
        ("server stop", {}),
        ("server start", {}),
        ("server start", {"name": ""}),
        ("server start", {"name": 3}),
        ("server start", {"name": "x", "other": "y"}),
        ("dice", {"sides": 1}),
        ("dice", {"sides": 101}),
        ("dice", {"sides": 2.5}),
        ("dice", {"sides": True}),
        ("dice", {"colour": "green"}),
        ("dice", {"who": "Ada"}),
        ("dice", {"hidden": "yes"}),
        ("dice", {"label": "abcd"}),
    ],
)
def test_what_the_client_does_not_let_a_person_type(app, discord, ada, name, options):
    colours = [{"name": "Red", "value": "r"}, {"name": "Blue", "value": "b"}]
    dice = slash(
        "dice",
        options=[
            slash("sides", type=4, min_value=2, max_value=100),
            slash("colour", type=3, choices=colours),
            slash("who", type=6),
            slash("hidden", type=5),
            slash("label", type=3, min_length=1, max_length=3),
        ],
    )
    app.registers(SERVER, dice)
    with pytest.raises(NotPossible):
        discord.command(ada, name, **options)
    assert app.heard == []


def test_people_roles_and_channels_are_told_in_full(app, discord, ada, bob, tables):
    masters = discord.role("Game masters")
    named = [
        slash("who", type=6),
        slash("role", type=8),
        slash("where", type=7),
        slash("any", type=9),
    ]
    app.registers(slash("invite", options=named))
    bob.roles.append(masters)
    discord.command(ada, "invite", who=bob, role=masters, where=tables, any=masters)
    data = app.heard[0]["data"]
    assert [each["value"] for each in data["options"]] == [
        bob.id,
        masters.id,
        tables.id,
        masters.id,
    ]
    assert data["resolved"]["members"][bob.id]["roles"] == [masters.id]
    assert data["resolved"]["users"][bob.id]["username"] == "bob"
    assert data["resolved"]["roles"][masters.id]["name"] == "Game masters"
    assert data["resolved"]["channels"][tables.id]["name"] == "tables"


def test_a_command_is_hidden_from_who_lacks_the_permission(app, discord, ada):
    app.registers(
        slash("setup", default_member_permissions="32"),
        slash("nobody", default_member_permissions="0"),
    )
    with pytest.raises(NotPossible):
        discord.command(ada, "setup")
    ada.permissions = 32
    assert discord.command(ada, "setup").text == "Yes."
    assert int(app.heard[0]["member"]["permissions"]) & 32
    with pytest.raises(NotPossible):
        discord.command(ada, "nobody")
    ada.roles.append(discord.role("Administrators", permissions=8))
    assert discord.command(ada, "nobody").text == "Yes."


def test_autocomplete_proposes_up_to_25_choices(app, discord, ada):
    session = slash("session", type=3, required=True, autocomplete=True)
    app.registers(slash("cancel", options=[session, slash("why", type=3)]))
    app.answers = {"type": 8, "data": {"choices": [{"name": "Friday", "value": "1"}]}}
    found = discord.types(ada, "cancel", option="session", text="fri", why="ill")
    assert found == [{"name": "Friday", "value": "1"}]
    assert app.heard[0]["type"] == 4
    assert app.heard[0]["data"]["options"][1] == {
        "name": "session",
        "type": 3,
        "value": "fri",
        "focused": True,
    }
    many = [{"name": str(n), "value": str(n)} for n in range(26)]
    for odd in (many, [{"name": "", "value": "1"}], [{"name": "x", "value": 1}]):
        app.answers = {"type": 8, "data": {"choices": odd}}
        found = discord.types(ada, "cancel", option="session", text="")
        assert found == []
        assert found.refused
    with pytest.raises(NotPossible):
        discord.types(ada, "cancel", option="why", text="")


def test_a_button_is_pressed_by_who_sees_it(app, discord, ada, bob, tables):
    app.registers(slash("hello"))
    buttons = [row(button("yes"), button("no", disabled=True))]
    app.answers = {"type": 4, "data": {"content": "Well?", "components": buttons, "flags": 64}}
    seen = discord.command(ada, "hello", channel=tables)
    with pytest.raises(NotPossible):
        discord.press(bob, seen, "yes")
    for unlit in ("no", "maybe"):
        with pytest.raises(NotPossible):
            discord.press(ada, seen, unlit)
    app.answers = {"type": 7, "data": {"content": "So be it.", "components": []}}
    pressed = discord.press(ada, seen.message, "yes")
    told = app.heard[1]
    assert told["data"] == {"component_type": 2, "custom_id": "yes", "id": 2}
    assert told["message"]["content"] == "Well?"
    assert seen.text == pressed.text == "So be it."
    with pytest.raises(NotPossible):
        discord.press(ada, seen, "yes")


def test_a_pressed_button_can_be_answered_later_or_beside(app, discord, ada, tables):
    sent = app.asks(
        "POST",
        f"/channels/{tables.id}/messages",
        {"content": "Who?", "components": [row(button("me"))]},
    ).json
    app.answers = {"type": 6}
    pressed = discord.press(ada, sent, "me")
    original = f"{app.webhook(pressed.token)}/messages/@original"
    assert app.asks("PATCH", original, {"content": "Ada."}).json["id"] == sent["id"]
    assert [each["content"] for each in discord.messages(tables)] == ["Ada."]
    app.answers = {"type": 4, "data": {"content": "You are in.", "flags": 64}}
    beside = discord.press(ada, sent, "me")
    assert (beside.text, beside.is_ephemeral) == ("You are in.", True)
    assert app.asks("POST", app.webhook(pressed.token), {"content": "!"}).status == 200
    discord.delete(sent)
    with pytest.raises(NotPossible):
        discord.press(ada, sent, "me")
    assert app.asks("PATCH", original, {"content": "x"}).json["code"] == 10008


def test_a_menu_is_chosen_from(app, discord, ada, bob, tables):
    options = [{"label": each, "value": each} for each in ("mon", "tue")]
    menus = [
        row({"type": 3, "custom_id": "days", "options": options, "max_values": 2}),
        row({"type": 5, "custom_id": "who"}),
    ]
    sent = app.asks("POST", f"/channels/{tables.id}/messages", {"components": menus}).json
    app.answers = {"type": 6}
    discord.press(ada, sent, "days", ["mon", "tue"])
    assert app.heard[0]["data"]["values"] == ["mon", "tue"]
    discord.press(ada, sent, "who", [bob])
    assert app.heard[1]["data"]["values"] == [bob.id]
    assert bob.id in app.heard[1]["data"]["resolved"]["members"]
    for odd in ([], ["wed"], ["mon", "mon"], ["mon", "tue", "wed"]):
        with pytest.raises(NotPossible):
            discord.press(ada, sent, "days", odd)


def text_input(custom_id, **more):
    return {
        "type": 18,
        "label": custom_id,
        "component": {"type": 4, "custom_id": custom_id, "style": 1} | more,
    }


def test_a_modal_is_filled_in_once(app, discord, ada, bob):
    app.registers(slash("hello"))
    fields = [
        text_input("title", max_length=10),
        text_input("more", required=False, value="as ever"),
    ]
    older = row({"type": 4, "custom_id": "old", "style": 2, "label": "Old", "required": False})
    app.answers = {
        "type": 9,
        "data": {"title": "New", "custom_id": "m", "components": [*fields, older]},
    }
    seen = discord.command(ada, "hello")
    assert seen.modal["title"] == "New"
    assert seen.message is None
    for odd in ({}, {"title": "x" * 11}, {"title": "a\nb"}, {"title": "x", "what": "y"}):
        with pytest.raises(NotPossible):
            discord.submits(ada, seen, **odd)
    with pytest.raises(NotPossible):
        discord.submits(bob, seen, title="x")
    again = discord.submits(ada, seen, title="Friday")  # answered by a modal
    assert again.refused
    app.answers = {"type": 4, "data": {"content": "Made."}}
    assert discord.submits(ada, seen, title="Friday").text == "Made."
    assert app.heard[-1]["type"] == 5
    lines = app.heard[-1]["data"]["components"]
    assert [line["component"]["value"] for line in lines[:2]] == ["Friday", "as ever"]
    assert lines[2]["components"][0]["value"] == ""
    with pytest.raises(NotPossible):
        discord.submits(ada, seen, title="Friday")


@pytest.mark.parametrize(
    "change",
    [
        {"title": "x" * 46},
        {"title": ""},
        {"custom_id": "x" * 101},
        {"components": [text_input(str(n)) for n in range(6)]},
        {"components": [text_input("a"), text_input("a")]},
        {"components": [text_input("a", value="x" * 4001)]},
        {"components": [text_input("a", style=3)]},
        {"components": [text_input("a", min_length=2, max_length=1)]},
        {"components": [{"type": 18, "label": "x" * 46, "component": {"type": 4}}]},
        {"components": [row({"type": 4, "custom_id": "a", "style": 1})]},
        {"components": [row(button("a"))]},
    ],
)
def test_a_modal_that_breaks_a_rule_is_refused(app, discord, ada, change):
    app.registers(slash("hello"))
    data = {"title": "New", "custom_id": "m", "components": [text_input("a")]}
    app.answers = {"type": 9, "data": data | change}
    seen = discord.command(ada, "hello")
    assert seen.refused
    assert seen.modal is None


def test_an_answer_to_a_channel_that_is_gone_is_none(app, discord, ada, tables):
    app.registers(slash("hello"))

    def meanwhile(told):
        discord.delete(tables)
        return {"type": 4, "data": {"content": "x"}}

    app.answers = meanwhile
    assert discord.command(ada, "hello", channel=tables).text == NOTHING


def test_a_guilds_commands_are_not_in_direct_messages(app, discord, ada):
    app.registers(slash("hello"))
    with pytest.raises(NotPossible):
        discord.command(ada, "hello", channel=discord.guild.direct(ada))
