"""Discord cannot be reached, is asked too often, or loses answers: what was done stands, and is told once."""

from __future__ import annotations

import json
import math

import pytest

from tests import world
from tests.aws_calls import AFTER, AWS, BEFORE, DIES_AFTER, DIES_BEFORE, ProcessDied

pytestmark = pytest.mark.slow
NOW = "2026-11-24T10:00:00Z"


@pytest.fixture
def c(freezer, community):
    freezer.move_to(NOW)
    world.new_process()
    community.makes_server(community.ada)
    return community


def books(c):
    return c.asks(c.ada, "session book", when="friday 8pm", minutes=60)


def sessions():
    return len(world.items("sessions"))


def later(c, freezer, seconds):
    """Time goes on, and Lambda takes from the queue whenever there is something to take."""
    for _ in range(math.ceil(seconds / 15)):
        freezer.tick(15)
        c.queue.carry()


def told(c, seen):
    """Everything that the member was told of it."""
    answer = [seen.text] if seen.text else []
    return answer + [message["content"] for message in c.discord.direct_messages(c.ada)]


def test_an_answer_that_discord_does_not_take_follows_within_half_as_long_again(c, freezer):
    c.discord.down = True
    seen = books(c)
    assert (sessions(), seen.is_thinking, len(c.queue)) == (1, True, 1)
    later(c, freezer, 300)
    c.discord.down = False
    later(c, freezer, 150)
    assert "Session scheduled" in seen.text
    assert (sessions(), len(c.queue)) == (1, 0)
    assert c.discord.direct_messages(c.ada) == []


def test_after_a_quarter_of_an_hour_the_bot_tells_it_directly_and_once(c, freezer):
    c.discord.down = True
    seen = books(c)
    later(c, freezer, 1000)
    c.discord.down = False
    c.discord.loses = 2  # the channel's answer, then the message's
    later(c, freezer, 1800)
    [message] = c.discord.direct_messages(c.ada)
    assert "Session scheduled" in message["content"]
    assert not message["flags"] & 64
    assert seen.is_thinking
    assert (sessions(), len(c.queue)) == (1, 0)


def test_where_the_answer_is_gone_with_its_channel_the_bot_tells_it_directly(c):
    place = c.discord.channel("soon gone")
    given = {"when": "friday 8pm", "minutes": 60}
    seen = c.discord.command(c.ada, "session book", channel=place, given=given)
    c.discord.delete(place)
    c.carried_out(seen)
    [message] = c.discord.direct_messages(c.ada)
    assert "Session scheduled" in message["content"]
    assert (sessions(), len(c.queue)) == (1, 0)


def test_who_takes_no_messages_of_the_bots_is_left_alone(c, freezer):
    c.ada.takes_direct_messages = False
    c.discord.down = True
    books(c)
    later(c, freezer, 1000)
    c.discord.down = False
    later(c, freezer, 1800)
    assert c.discord.direct_messages(c.ada) == []
    assert (sessions(), len(c.queue)) == (1, 0)


def test_after_an_hour_in_vain_an_answer_is_given_up_and_what_was_done_stands(c, freezer):
    c.discord.down = True
    books(c)
    before = len(c.discord.requests)
    later(c, freezer, 3 * 3600)
    assert len(c.discord.requests) - before < 20, (
        "the queue lets a message come 20 times (template.yaml)"
    )
    assert (sessions(), len(c.queue)) == (1, 0)
    c.discord.down = False
    assert "<t:" in c.asks(c.ada, "session list").text


def test_who_asks_too_often_is_answered_when_discord_says_so(c, freezer):
    c.discord.limits["edit"] = (1, 40.0)
    seen = [c.discord.command(c.ada, "server stop") for _ in range(3)]
    for each in seen:
        c.carried_out(each)
    assert [each.is_thinking for each in seen] == [False, False, False], (
        "each has a bucket of its own"
    )
    c.discord.fails_with = [429]
    one = c.asks(c.ada, "server stop")
    assert one.is_thinking
    later(c, freezer, 60)
    assert not one.is_thinking


@pytest.mark.parametrize("status", [500, 502, 503, 404, 401, 400, 403])
def test_whatever_discord_answers_nothing_is_done_twice(c, freezer, status):
    c.discord.fails_with = [status]
    seen = books(c)
    later(c, freezer, 120)
    assert (sessions(), len(c.queue)) == (1, 0)
    if status >= 500:
        assert "Session scheduled" in seen.text


def test_an_answer_that_is_lost_is_told_again_to_the_same_place(c, freezer):
    c.discord.loses = 1
    seen = books(c)
    later(c, freezer, 60)
    assert told(c, seen) == [seen.text]
    assert (sessions(), len(c.queue)) == (1, 0)


def test_an_order_that_lambda_delivers_twice_is_carried_out_once(c):
    seen = c.discord.command(c.ada, "session book", given={"when": "friday 8pm", "minutes": 60})
    [order] = c.orders()
    c.carried_out(seen)
    text = seen.text
    assert c.invoke(order) == {"success": True}
    assert (sessions(), seen.text) == (1, text)


def ordered(c):
    """The order of a session that was typed, taken from Lambda's queue."""
    seen = c.discord.command(c.ada, "session book", given={"when": "friday 8pm", "minutes": 60})
    [order] = c.orders()
    AWS.queue.remove(order)
    return seen, order


def delivers(c, order):
    """Lambda invokes the function; whether it has to do so again."""
    try:
        return not c.invoke(order).get("success")
    except (Exception, ProcessDied):
        return True


def test_whatever_call_fails_or_dies_an_order_is_carried_out_once_and_told(c, freezer, meanwhile):
    from tests import proof
    from tests.model import emulated

    copy = emulated.Copy()
    AWS.begin()
    seen, order = ordered(c)
    c.invoke(order)
    AWS.end()
    calls = [(call.name.partition(".")[2], call.nth) for call in AWS.calls]
    assert len(calls) > 8
    tried = 0
    for name, nth in calls:
        for mode in (BEFORE, AFTER, DIES_BEFORE, DIES_AFTER):
            copy.restore()
            AWS.queue.clear()
            world.new_process()
            freezer.tick(1)
            seen, order = ordered(c)
            with meanwhile(name, after=nth, mode=mode):
                again = delivers(c, order)
            for wait in (60, 120):  # Lambda tries twice more (Lambda, Asynchronous invocation)
                if again:
                    freezer.tick(wait)
                    again = delivers(c, order)
            later(c, freezer, 60)
            tried += 1
            story = (name, nth, mode, seen.text, sessions())
            assert sessions() <= 1, story
            assert not seen.is_thinking, story
            if sessions() == 0:
                assert seen.text.startswith("⚠️"), story
    proof.record(
        "Whatever fails, at each call",
        f"{tried} failures and deaths while an order from Discord was carried out: done at most once, and told",
        tried,
    )


def test_of_what_may_not_have_been_handed_over_nobody_says_that_it_was_not(c, meanwhile):
    for mode, done in ((BEFORE, 0), (AFTER, 1)):
        with meanwhile("Invoke", mode=mode):
            seen = c.discord.command(
                c.ada, "session book", given={"when": "friday 8pm", "minutes": 60}
            )
        assert "Look in a minute how things are" in seen.text
        c.carried_out(seen)
        assert sessions() == done


def test_another_bot_token_gives_up_what_is_under_way(c, freezer):
    _, order = ordered(c)
    c.discord.down = True
    other = c.discord.command(c.ada, "server stop")
    c.carried_out(other)
    secrets = world.client("secretsmanager")
    held = json.loads(secrets.get_secret_value(SecretId="foundry-test/discord")["SecretString"])
    secrets.put_secret_value(
        SecretId="foundry-test/discord", SecretString=json.dumps(held | {"botToken": "another"})
    )
    world.new_process()
    assert c.invoke(order)["errorCode"] == "VALIDATION_ERROR"
    c.discord.down = False
    later(c, freezer, 120)
    assert (sessions(), len(c.queue)) == (0, 0)


ODD = [
    (429, b'{"retry_after": null}'),
    (429, b'{"retry_after": "soon"}'),
    (429, b'{"retry_after": NaN}'),
    (429, b'{"retry_after": 1e400}'),
    (429, b'{"retry_after": -5}'),
    (429, b"<html>slow down"),
    (400, b'{"code": null}'),
    (403, b'{"code": "x"}'),
    (200, b"<html>it is not me"),
    (500, b"[" * 100_000),
    (302, b""),
]


@pytest.mark.parametrize(("status", "body"), ODD)
def test_however_oddly_discord_answers_nothing_is_done_twice_or_asked_for_ever(
    c, freezer, monkeypatch, status, body
):
    """What stands before Discord answers with pages of its own, and says what it likes."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
    from threading import Thread

    asked = []

    class Odd(BaseHTTPRequestHandler):
        def do_POST(self):
            asked.append(self.path)
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_PATCH = do_POST  # noqa: N815 - http.server has it so

        def log_message(self, *_):
            """Nothing is logged."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Odd)
    Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    seen, order = ordered(c)
    secrets = world.client("secretsmanager")
    held = json.loads(secrets.get_secret_value(SecretId="foundry-test/discord")["SecretString"])
    held["api"] = f"http://127.0.0.1:{server.server_port}"
    secrets.put_secret_value(SecretId="foundry-test/discord", SecretString=json.dumps(held))
    world.new_process()
    try:
        assert c.invoke(order) == {"success": True}
        for _ in range(5):
            freezer.tick(901)
            c.queue.carry()
    finally:
        server.shutdown()
        server.server_close()
    assert (sessions(), len(c.queue)) == (1, 0)
    assert 1 <= len(asked) < 20
    assert seen.is_thinking


def test_who_is_delivered_an_order_again_tells_what_came_of_it(c, meanwhile):
    """The process dies once the order is carried out, before it is told."""
    seen, order = ordered(c)
    c.discord.fails_with = [503]
    with meanwhile("SendMessage", mode=BEFORE):
        assert delivers(c, order), "neither Discord nor the queue took it"
    assert not delivers(c, order)
    assert "Session scheduled" in seen.text
    assert sessions() == 1


def test_an_order_that_is_quicker_than_discord_is_told_all_the_same(c, freezer):
    """The order may be carried out before Discord has read that an answer will follow."""
    endpoint = c.discord.endpoint

    def slow(body, headers):
        said = endpoint(body, headers)
        for order in c.orders():
            AWS.queue.remove(order)
            c.invoke(order)
        return said

    c.discord.endpoint = slow
    seen = c.discord.command(c.ada, "session book", given={"when": "friday 8pm", "minutes": 60})
    assert seen.is_thinking
    later(c, freezer, 15)
    assert "Session scheduled" in seen.text
    assert c.discord.direct_messages(c.ada) == []


def test_an_order_that_is_too_old_is_not_carried_out(c, freezer):
    _, order = ordered(c)
    freezer.tick(7 * 3600)
    assert c.invoke(order)["errorCode"] == "VALIDATION_ERROR"
    assert sessions() == 0
