"""The played Discord: commands are registered by the rules of the real one."""

from __future__ import annotations

import pytest

from tests.discord.application import slash, wrong


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
