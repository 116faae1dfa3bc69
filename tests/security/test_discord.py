"""What somebody could try by way of Discord: with its requests, and in it as a member who may not."""

from __future__ import annotations

import itertools
import json

import pytest

import actions
from actions import COMMANDS
from actions.discord.commands import command_of
from actions.panels.crew import MAY
from tests import proof, world
from tests.aws_calls import AWS
from tests.discord.community import community, endpoint
from tests.discord.test_who_may import SAMPLED, payload, told

pytestmark = pytest.mark.slow
__all__ = ["community"]  # a fixture
SECTION = "Attempts against the platform"


@pytest.fixture
def c(community):
    community.makes_server(community.ada)
    return community


def record(what, attempts):
    proof.record(SECTION, f"Discord: {attempts} {what}, all refused", attempts)


def status_of(answer):
    status, body = answer
    return status, json.loads(body)["errorCode"]


def test_no_interaction_is_carried_out_that_discord_has_not_signed_lately(c):
    seen = c.discord.command(c.ada, "server start")
    orders, answers = len(c.orders()), []
    for place in range(0, len(seen.body), 7):
        forged = bytearray(seen.body)
        forged[place] ^= 1
        answers.append(c.discord.forge(seen, bytes(forged)))
    forged_headers = []
    for name in ("X-Signature-Ed25519", "X-Signature-Timestamp"):
        values = ("", "0", "zz", "٣" * 10, "1e9", seen.headers[name][:-2])
        forged_headers += [{**seen.headers, name: value} for value in values]
        forged_headers.append({n: v for n, v in seen.headers.items() if n != name})
    answers += [endpoint(seen.body, headers) for headers in forged_headers]
    answers += [c.discord.late(seen, seconds) for seconds in (301, 3600, -301)]
    assert {status_of(answer) for answer in answers} == {(401, "UNAUTHENTICATED")}
    assert len(c.orders()) == orders
    record("interactions that are forged, old or of the future", len(answers))


def test_no_interaction_is_answered_twice(c, freezer):
    freezer.move_to(SAMPLED)
    paths = [path for path in COMMANDS if not path.startswith("admin")]
    sent = [payload(c, c.ada, path) for path in paths]
    for each in sent:
        assert c.signs(each)[0] == 200
    orders = len(c.orders())
    again = [each for each in sent if c.signs(each)[0] == 403]
    # Those that ask for more first, by a form or a button, have not been answered yet.
    shown = [command_of(COMMANDS[path]) for path in paths]
    assert len(again) == sum(not (one.form or one.warns) for one in shown)
    assert len(c.orders()) == orders
    record("interactions that come again", len(again))


def test_in_whatever_order_interactions_and_orders_come_each_is_carried_out_once(c):
    """Three that change something, in each order, each twice; so are the orders that follow."""
    attempts = 0
    for turn, (first, second) in enumerate(itertools.product(ways(), ways())):
        day = f"2026-12-{turn % 28 + 1:02}" if turn < 28 else f"2027-01-{turn % 28 + 1:02}"
        asked = [book(c, f"{day} 10:00"), zone(c), book(c, f"{day} 20:00")]
        before = len(world.items("sessions"))
        for which in first:
            assert c.signs(asked[which])[0] == 200
            assert c.signs(asked[which])[0] == 403
        orders = c.orders()
        AWS.queue.clear()
        orders = [orders[which] for which in second if which < len(orders)]
        for order in [*orders, *reversed(orders)]:
            c.invoke(order)
        assert len(world.items("sessions")) == before + 2
        cancelled = [s["sessionId"] for s in world.items("sessions") if s["status"] == "scheduled"]
        for session in cancelled:
            c.invoke("cancel-scheduled-session", userId=c.ada.id, sessionId=session)
        attempts += len(first) + len(orders)
    record("repeated interactions and orders, in each order", attempts)


def ways():
    return itertools.permutations(range(3))


def book(c, when):
    return typed(c, "session book", {"when": when, "minutes": 30})


def zone(c):
    return typed(c, "session time-zone", {"time-zone": "Europe/Berlin"})


def typed(c, path, options):
    sent = payload(c, c.ada, path)
    given = [{"name": name, "type": 3, "value": value} for name, value in options.items()]
    sent["data"]["options"][0]["options"] = given
    return sent


def test_nobody_acts_for_another_in_discord(c):
    """Strangers by everything, her crew by what no crew may; whatever Discord's client would let them type."""
    c.invoke("crew-add", userId=c.ada.id, crewId=c.ben.id)
    eve = c.discord.joins("Eve")
    before = of_ada(c)
    attempts = 0
    for who, path in itertools.product((eve, c.ben), COMMANDS):
        if who is c.ben and COMMANDS[path] in MAY:
            continue
        sent = payload(c, who, path)
        for name in ("table", "user-id", "userId"):
            sent["data"]["options"][0]["options"].append(
                {"name": name, "type": 6, "value": c.ada.id}
            )
        told(c, sent, who)
        assert of_ada(c) == before, (who.name, path)
        attempts += 1
    for who, action in itertools.product((eve, c.ben), actions.ACTIONS):
        if who is c.ben and action in MAY:
            continue
        for custom_id in (
            f"panel:{action}:{c.ada.id}",
            f"{action}?table={c.ada.id}&_until=9999999999",
        ):
            pressed = c.made_up(who, 3, {"custom_id": custom_id, "component_type": 2})
            c.signs(pressed)
            for order in c.orders():
                AWS.queue.remove(order)
                c.invoke(order)
            assert of_ada(c) == before, (who.name, custom_id)
            attempts += 1
    record("commands and buttons at another's table", attempts)


def of_ada(c):
    """All that the tables hold of her."""
    found = {what: world.items(what) for what in world.TABLES if what not in ("audit", "registry")}
    return {
        what: [item for item in items if item.get("userId") == c.ada.id]
        for what, items in found.items()
    }
