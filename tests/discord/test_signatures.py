"""Only Discord is believed, once, and lately."""

from __future__ import annotations

import json
from typing import Any, cast

import pytest

from handler.app import platform
from handler.http.lambda_adapter import adapter, complete
from tests import world
from tests.aws_calls import AWS
from tests.discord.community import endpoint
from tests.http.shapes import SHAPES, Asked, ask, v2

pytestmark = pytest.mark.slow


@pytest.fixture
def seen(community):
    """Ada has asked for something that is put off."""
    community.makes_server(community.ada)
    return community.discord.command(community.ada, "server start")


def refused(answer):
    status, body = answer
    said = json.loads(body)
    return status, said["errorCode"]


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_a_ping_is_answered_in_every_shape_of_event(community, shape):
    body = b'{"id": "1", "application_id": "2", "type": 1, "version": 1}'
    good = community.discord.signer.headers(body, community.discord.now())
    answer = ask("POST", "/webhooks/discord", body, shape=shape, **good)
    assert (answer.status, answer.json) == (200, {"type": 1})
    bad = good | {"X-Signature-Ed25519": "00" * 64}
    assert ask("POST", "/webhooks/discord", body, shape=shape, **bad).status == 401


def test_the_web_application_answers_as_the_function_does(community):
    """`python -m handler.server` has it as a route of its own; the function answers beside its application."""
    c = community

    def served(body, headers):
        asked = Asked("POST", "/webhooks/discord", headers=headers, body=body)
        said = adapter(platform())(complete(v2(asked)), cast("Any", world.Context()))
        return said["statusCode"], said["body"].encode()

    assert served(b"{}", {"content-type": "application/json"})[0] == 401
    c.discord.endpoint = served
    assert c.discord.ping()
    c.makes_server(c.ada)
    assert "**Created**" in c.asks(c.ada, "server status").text
    refused = c.asks(c.ben, "server status")
    assert refused.text.startswith("⚠️ You have no Foundry server yet.")


def test_the_same_interaction_is_answered_once(seen, community):
    c = community
    orders = len(c.orders())
    assert refused(c.discord.redeliver(seen)) == (403, "PERMISSION_DENIED")
    assert refused(c.discord.late(seen, 200)) == (403, "PERMISSION_DENIED"), (
        "with another signature"
    )
    assert len(c.orders()) == orders
    read = c.discord.command(c.ada, "server status")
    assert refused(c.discord.redeliver(read)) == (403, "PERMISSION_DENIED")


def test_what_is_signed_and_no_interaction_is_refused(community):
    for body in (
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"type": 1}',
        b'{"id": "x", "type": 1}',
        b'{"id": "1", "type": 99}',
    ):
        headers = community.discord.signer.headers(body, community.discord.now())
        assert refused(endpoint(body, headers)) == (400, "VALIDATION_ERROR"), body


def test_a_command_that_there_is_no_more_says_so(community):
    c = community
    odd: list[dict[str, Any]] = [
        {"name": "server", "options": [{"name": "fly", "type": 1}]},
        {"name": "", "options": []},
        {"custom_id": "observe-task?"},
        {"custom_id": "stop?x=1", "components": [1, None, {"components": "x"}, [{}]]},
    ]
    for data in odd:
        kind = 5 if "custom_id" in data else 2
        sent = c.made_up(c.ada, kind, data)
        assert "no such command any more" in c.signs(sent)[1]["data"]["content"]


def test_an_order_that_the_platform_has_not_sealed_is_not_carried_out(community, invoke):
    for sealed in ("", "x", "gAAAAABn", None, 7, {"a": 1}):
        answer = invoke({"source": "foundry.discord", "sealed": sealed})
        assert answer["errorCode"] == "VALIDATION_ERROR"


def test_where_discord_is_not_set_up_nothing_is_believed(community, invoke, monkeypatch):
    c = community
    seen = c.discord.command(c.ada, "license pool")
    secrets = world.client("secretsmanager")
    for text in ("{}", "no JSON", "[]", '{"publicKey": "zz", "botToken": "x", "guildId": "1"}'):
        secrets.put_secret_value(SecretId="foundry-test/discord", SecretString=text)
        world.new_process()
        assert refused(c.discord.redeliver(seen)) == (401, "UNAUTHENTICATED")
        assert invoke("admin-register-commands", userId="admin")["success"] is False
    monkeypatch.setenv("DISCORD_APPLICATION_ID", "")
    world.new_process()
    assert refused(c.discord.redeliver(seen)) == (401, "UNAUTHENTICATED")
    answer = invoke("admin-register-commands", userId="admin")
    assert (answer["errorCode"], answer["details"]["suggestion"]) == (
        "RESOURCE_CONFLICT",
        "docs/discord.md says what to set up.",
    )


def test_a_button_that_was_kept_does_nothing_any_more(community, freezer):
    c = community
    freezer.move_to("2026-11-24T10:00:00Z")
    world.new_process()
    c.makes_server(c.ada)
    sure = c.asks(c.ada, "server destroy")
    freezer.tick(901)
    assert "too old" in c.presses(c.ada, sure).text
    (button,) = sure.message["components"][0]["components"]
    for forged in (button["custom_id"].replace("_until=", "_until=9"), "destroy-instance?"):
        data = {"custom_id": forged, "component_type": 2}
        sent = c.made_up(c.ben, 3, data)
        c.signs(sent)
    c.carried_out(sure)
    assert world.items("instances"), "a forged one is of who presses it"


def test_a_flood_without_a_secret_asks_aws_for_it_once(community):
    c = community
    seen = c.discord.command(c.ada, "license pool")
    world.client("secretsmanager").delete_secret(
        SecretId="foundry-test/discord", ForceDeleteWithoutRecovery=True
    )
    world.new_process()
    AWS.begin()
    for _ in range(10):
        assert refused(c.discord.redeliver(seen)) == (401, "UNAUTHENTICATED")
    AWS.end()
    assert len(AWS.calls) == 1
