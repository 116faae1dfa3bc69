"""The played Discord is as strict as the real one, and shows people what they would see."""

from __future__ import annotations

from http.client import RemoteDisconnected

import pytest

from local.discord import NOTHING, NotPossible, played
from tests.discord.application import NOON, button, row, slash

SERVER = slash(
    "server",
    options=[
        slash("start", type=1, options=[slash("name", type=3, required=True)]),
        slash("saves", type=2, options=[slash("list", type=1)]),
    ],
)


def wrong(answer):
    """The places of a form that are wrong, and their codes."""
    assert (answer.status, answer.json["code"]) == (400, 50035), answer.json
    assert answer.json["message"] == "Invalid Form Body"

    def walk(node, at):
        for name, inner in node.items():
            if name == "_errors":
                yield from ((".".join(at), each["code"]) for each in inner)
            else:
                yield from walk(inner, [*at, name])

    return dict(walk(answer.json["errors"], []))


# Interactions


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


# Commands


def test_commands_come_back_as_discord_writes_them(app, discord):
    sent = slash("dice", options=[slash("sides", type=4, required=False, choices=[], min_value=0)])
    (made,) = app.registers(sent)
    assert made == {
        "id": made["id"],
        "application_id": discord.application_id,
        "version": made["version"],
        "default_member_permissions": None,
        "type": 1,
        "name": "dice",
        "name_localizations": None,
        "description": "What dice does",
        "description_localizations": None,
        "guild_id": discord.guild_id,
        "options": [{"type": 4, "name": "sides", "description": "What sides does", "min_value": 0}],
        "nsfw": False,
    }
    (listed,) = app.asks("GET", app.commands).json
    assert "name_localizations" not in listed
    assert app.registers(sent) == [made]
    (changed,) = app.registers(sent | {"description": "Rolls"})
    assert changed["id"] == made["id"]
    assert int(changed["version"]) > int(made["version"])


def test_a_command_is_made_once_changed_and_deleted(app, discord, ada):
    first = app.asks("POST", app.commands, slash("hello"))
    again = app.asks("POST", app.commands, slash("hello", description="Hi"))
    assert (first.status, again.status) == (201, 200)
    assert first.json["id"] == again.json["id"]
    path = f"{app.commands}/{first.json['id']}"
    assert app.asks("PATCH", path, {"name": "bye"}).json["description"] == "Hi"
    assert discord.command(ada, "bye").text == "Yes."
    assert app.asks("DELETE", path).status == 204
    gone = app.asks("GET", path)
    assert (gone.status, gone.json["code"]) == (404, 10063)
    app.registers(slash("one"), slash("two"))
    app.registers(slash("two"))
    assert [each["name"] for each in app.asks("GET", app.commands).json] == ["two"]


OPTION = slash("o", type=3)


@pytest.mark.parametrize(
    ("command", "at", "code"),
    [
        ({}, "name", "BASE_TYPE_REQUIRED"),
        (slash("Dice"), "name", "APPLICATION_COMMAND_INVALID_NAME"),
        (slash("two words"), "name", "APPLICATION_COMMAND_INVALID_NAME"),
        (slash("x" * 33), "name", "BASE_TYPE_BAD_LENGTH"),
        (slash("x", description=""), "description", "BASE_TYPE_REQUIRED"),
        (slash("x", description="x" * 101), "description", "BASE_TYPE_BAD_LENGTH"),
        (slash("x", default_member_permissions="all"), "default_member_permissions", "NUMBER_TYPE_COERCE"),
        (slash("x", options=[slash("o", type=12)]), "options.0.type", "BASE_TYPE_CHOICES"),
        (slash("x", options=[slash("o")]), "options.0.type", "BASE_TYPE_REQUIRED"),
        (
            slash("x", options=[slash(f"o{n}", type=3) for n in range(26)]),
            "options",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            slash("x", options=[OPTION, OPTION]),
            "options.1",
            "APPLICATION_COMMAND_OPTIONS_NAME_INVALID",
        ),
        (
            slash("x", options=[OPTION, slash("p", type=3, required=True)]),
            "options.1",
            "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
        ),
        (
            slash("x", options=[OPTION, slash("s", type=1)]),
            "options.1",
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
        ),
        (
            slash("x", options=[slash("s", type=1, options=[slash("t", type=1)])]),
            "options.0.options.0",
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
        ),
        (
            slash("x", options=[slash("g", type=2, options=[OPTION])]),
            "options.0.options.0",
            "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
        ),
        (
            slash("x", options=[OPTION | {"choices": [{"name": "a", "value": "b" * 101}]}]),
            "options.0.choices.0.value",
            "BASE_TYPE_MAX_LENGTH",
        ),
        (
            slash("x", options=[OPTION | {"choices": [{"name": "a", "value": "b"}], "autocomplete": True}]),
            "options.0.autocomplete",
            "UNDOCUMENTED",
        ),
        (slash("x", options=[OPTION | {"max_length": 6001}]), "options.0.max_length", "NUMBER_TYPE_MAX"),
        (
            slash(
                "x",
                options=[
                    slash(f"s{n}", type=1, description="d" * 100, options=[
                        slash(f"o{m}", type=3, description="d" * 100) for m in range(25)
                    ])
                    for n in range(4)
                ],
            ),
            "",
            "APPLICATION_COMMAND_TOO_LARGE",
        ),
    ],
)  # fmt: skip
def test_a_command_that_breaks_a_rule_is_refused(app, command, at, code):
    assert wrong(app.asks("POST", app.commands, command)) | {at: code} == wrong(
        app.asks("POST", app.commands, command)
    )
    assert (
        wrong(app.asks("PUT", app.commands, [slash("fine"), command]))[f"1.{at}".rstrip(".")]
        == code
    )
    assert app.asks("GET", app.commands).json == []


def test_letters_of_all_scripts_may_name_a_command(app):
    app.registers(slash("würfel"), slash("주사위"), slash("पासा"), slash("l'été"), slash("a-b_2"))


def test_commands_are_unique_a_hundred_and_two_hundred_a_day(app, clock):
    twice = wrong(app.asks("PUT", app.commands, [slash("a"), slash("a")]))
    assert twice == {"1": "APPLICATION_COMMANDS_DUPLICATE_NAME"}
    many = [slash(f"c{n}") for n in range(101)]
    assert app.asks("PUT", app.commands, many).json["code"] == 30032
    app.registers(*many[:100])
    app.registers(*[slash(f"d{n}") for n in range(100)])
    full = app.asks("PUT", app.commands, [slash("e")])
    assert (full.status, full.json["code"]) == (429, 30034)
    app.registers(slash("d1"))
    clock.move(86_400)
    app.registers(slash("e"))


# Who asks, and how


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


# Messages


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


# Scheduled events

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


def test_without_a_clock_it_is_now():
    with played(lambda body, headers: (200, b"{}")) as discord:
        assert discord.joins("Ada").joined_at > NOON - 86_400 * 365 * 2
        assert discord.limits["global"] == (50, 1.0)
