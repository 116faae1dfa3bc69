"""Whatever call to AWS or to Discord fails, and wherever the process dies: a panel is there once, and right."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tests import proof, world
from tests.aws_calls import AWS, MODES, ProcessDied
from tests.discord.test_panels import c, changed, minute, servers, shown
from tests.model import emulated

pytestmark = pytest.mark.slow
__all__ = ["c"]  # a fixture


def puts_up(c, which=0):
    return c.invoke("set-panel", userId=c.ada.id, channelId=c.places[which].id)


def takes_down(c):
    return c.invoke("set-panel", userId=c.ada.id, channelId=None)


def books(c):
    booked = c.invoke("schedule-session", userId=c.ada.id, startTime=1_795_881_600, duration=60)
    assert booked["success"], booked


def nothing(c):
    """There is no panel yet."""


def with_panel(c):
    assert puts_up(c)["success"]
    changed(c)


def with_news(c):
    """The table has a panel, which does not show yet that a session was booked."""
    with_panel(c)
    books(c)


# What there is before, and what is done then.
DEEDS: dict[str, tuple[Callable[[Any], object], Callable[[Any], object]]] = {
    "put up": (nothing, puts_up),
    "put up again": (with_panel, puts_up),
    "moved": (with_news, lambda c: puts_up(c, 1)),
    "taken down": (with_news, takes_down),
    "brought up to date": (with_news, changed),
}


def as_at_first(c, aws):
    """The table without a panel, and channels in which nothing was said."""
    aws.restore()
    AWS.queue.clear()
    world.new_process()
    c.servers = {}
    for what in (c.discord.guild.messages, c.discord.nonces, c.discord.events.events):
        what.clear()


def happens(deed, c):
    """Somebody asks for it, or Lambda hands it over; both do so again if they are told nothing."""
    try:
        deed(c)
    except (Exception, ProcessDied):
        world.new_process()


def is_right(c):
    """The panel is where the table says, and shows what is booked; or there is none."""
    (server,) = servers(c)
    said = [message for place in c.places for message in c.discord.messages(place)]
    if "panelChannel" not in server:
        return said == [] and c.discord.events.listed(False) == []
    is_booked = bool(server.get("bookings"))
    return (
        [message["id"] for message in said] == [server["panelMessage"]]
        and ("Next session" in said[0]["content"]) == is_booked
        and len(c.discord.events.listed(False)) == is_booked
    )


def afterwards(c, deed, freezer):
    """It is asked for again, and two minutes pass."""
    freezer.tick(61)
    happens(deed, c)
    changed(c)
    for _ in range(2):
        minute(c, freezer)
        changed(c)


@pytest.mark.parametrize("name", DEEDS)
def test_whatever_call_fails_or_dies_a_panel_is_there_once_and_right(c, freezer, meanwhile, name):
    before, deed = DEEDS[name]
    c.discord.limits.clear()  # so much is never done in a second
    c.places = [c.place, c.discord.channel("elsewhere")]
    aws = emulated.Copy()
    before(c)
    asked = len(c.discord.requests)
    AWS.begin()
    deed(c)
    AWS.end()
    asked = len(c.discord.requests) - asked
    calls = [(call.name.partition(".")[2], call.nth) for call in AWS.calls]
    assert len(calls) > 1
    assert asked
    tried = 0
    for call, nth in calls:
        for mode in MODES:
            as_at_first(c, aws)
            before(c)
            with meanwhile(call, after=nth, mode=mode):
                happens(deed, c)
            afterwards(c, deed, freezer)
            assert is_right(c), (call, nth, mode, shown(c))
            tried += 1
    for nth in range(asked):
        for trouble in ("fails", "loses"):
            as_at_first(c, aws)
            before(c)
            c.discord.fails_with = [200] * nth + [503] if trouble == "fails" else []
            c.discord.loses = nth + 1 if trouble == "loses" else 0
            happens(deed, c)
            c.discord.fails_with, c.discord.loses = [], 0
            afterwards(c, deed, freezer)
            assert is_right(c), (nth, trouble, shown(c))
            tried += 1
    line = f"a panel is {name}: {tried} failures and deaths, and it is there once and right"
    proof.record("Whatever fails, at each call", line, tried)
