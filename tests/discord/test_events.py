"""Sessions of tables that have a panel are scheduled events of the guild."""

from __future__ import annotations

import pytest

from local.discord.events import ACTIVE
from local.discord.guild import BOT, CREATE_EVENTS
from tests import world
from tests.aws_calls import BEFORE
from tests.discord.test_panels import c, changed, minute, panel

pytestmark = pytest.mark.slow
__all__ = ["c", "panel"]  # fixtures


def events(c):
    """What the guild announces: name, beginning, place."""
    found = c.discord.events.listed(count=False)
    return [
        (e["name"], e["scheduled_start_time"][:16], e["entity_metadata"]["location"][:25])
        for e in found
    ]


def book(c, when="friday 8pm", **more):
    seen = c.asks(c.ada, "session book", when=when, minutes=60, **more)
    assert not seen.text.startswith("⚠️"), seen.text
    changed(c)
    sessions = c.invoke("get-scheduled-sessions", userId=c.ada.id)["sessions"]
    return sessions[-1]["sessionId"]


def test_an_event_is_made_moved_and_cancelled_with_its_session(panel):
    c = panel
    session = book(c, title="The last evening", description="Bring dice")
    assert events(c) == [("The last evening", "2026-11-27T20:00", "https://ada.play.example/")]
    assert c.discord.events.listed(False)[0]["description"] == "Bring dice"
    c.invoke("move-session", userId=c.ada.id, sessionId=session, startTime=1795896000, duration=90)
    changed(c)
    assert events(c) == [("The last evening", "2026-11-28T20:00", "https://ada.play.example/")]
    c.invoke("cancel-scheduled-session", userId=c.ada.id, sessionId=session)
    changed(c)
    assert events(c) == []


def test_without_a_panel_there_is_no_event_and_with_one_there_is(c):
    c.asks(c.ada, "session book", when="friday 8pm", minutes=60)
    changed(c)
    assert events(c) == []
    c.asks(c.ada, "server panel", channel=c.place)
    assert events(c) == [("Ada plays", "2026-11-27T20:00", "https://ada.play.example/")]
    c.asks(c.ada, "server panel")
    assert events(c) == []


def test_one_whose_answer_was_lost_is_there_once(panel, freezer):
    c = panel
    for lost in range(1, 5):
        c.asks(c.ada, "session book", when=f"{lost}.12. 20:00", minutes=60)
        c.discord.loses = lost
        changed(c)
        for _ in range(lost):
            minute(c, freezer)
        assert len(events(c)) == lost


def test_where_the_bot_may_make_none_the_panel_is_there_all_the_same(panel, freezer):
    c = panel
    c.discord.guild.bot_permissions = BOT & ~CREATE_EVENTS
    book(c)
    assert events(c) == []
    assert "Next session" in c.discord.messages(c.place)[0]["content"]
    requests = len(c.discord.requests)
    changed(c)
    minute(c, freezer)
    assert len(c.discord.requests) == requests, "it is not tried again and again"
    c.discord.guild.bot_permissions = BOT
    c.asks(c.ada, "server panel", channel=c.place)
    assert len(events(c)) == 1


def test_an_event_that_somebody_deletes_stays_deleted(panel):
    c = panel
    session = book(c)
    (event,) = c.discord.events.listed(False)
    del c.discord.events.events[event["id"]]
    c.invoke("move-session", userId=c.ada.id, sessionId=session, startTime=1795896000, duration=90)
    changed(c)
    changed(c)
    assert events(c) == []


def test_after_an_outage_events_are_right_within_a_minute(panel, freezer):
    c = panel
    first = book(c, title="First")
    c.discord.down = True
    c.invoke("cancel-scheduled-session", userId=c.ada.id, sessionId=first)
    book(c, when="sat 8pm", title="Second")
    for _ in range(5):
        minute(c, freezer)
    c.discord.down = False
    minute(c, freezer)
    assert [name for name, *_ in events(c)] == ["Second"]


def interested(c, session):
    sessions = c.invoke("get-scheduled-sessions", userId=c.ada.id)["sessions"]
    return next(one for one in sessions if one["sessionId"] == session).get("interested")


def five_minutes(c, freezer):
    for _ in range(5):
        minute(c, freezer)


def test_who_is_interested_is_shown_with_the_sessions(panel, freezer):
    c = panel
    session = book(c, title="The last evening")
    five_minutes(c, freezer)
    assert interested(c, session) is None
    (event,) = c.discord.events.listed(False)
    for who in (c.boss, c.ben):
        c.discord.interested(event["id"], who)
    five_minutes(c, freezer)
    assert interested(c, session) == sorted([c.ben.id, c.boss.id])
    assert f"interested: <@{min(c.ben.id, c.boss.id)}>, <@" in c.asks(c.ada, "session list").text
    c.discord.interested(event["id"], c.boss, yes=False)
    c.discord.interested(event["id"], c.ada)
    five_minutes(c, freezer)
    assert interested(c, session) == sorted([c.ben.id, c.ada.id])
    for who in (c.ben, c.ada):
        c.discord.interested(event["id"], who, yes=False)
    five_minutes(c, freezer)
    assert interested(c, session) == []
    assert "interested" not in c.asks(c.ada, "session list").text


@pytest.mark.parametrize("trouble", ["down", 429, 500, 403, 404])
def test_what_discord_does_not_say_of_interest_is_asked_again(panel, freezer, trouble):
    c = panel
    session = book(c)
    (event,) = c.discord.events.listed(False)
    c.discord.interested(event["id"], c.ben)
    c.discord.down = trouble == "down"
    c.discord.fails_with = [] if trouble == "down" else [trouble]
    five_minutes(c, freezer)
    assert interested(c, session) is None
    c.discord.down = False
    five_minutes(c, freezer)
    assert interested(c, session) == [c.ben.id]


def test_an_event_that_is_deleted_meanwhile_keeps_nobody_from_asking_of_the_others(panel, freezer):
    c = panel
    book(c)
    session = book(c, when="sat 8pm")
    first, second = c.discord.events.listed(False)
    for event in (first, second):
        c.discord.interested(event["id"], c.ben)
    c.discord.fails_with = [200, 404]
    five_minutes(c, freezer)
    assert interested(c, session) == [c.ben.id]


def test_an_event_that_a_member_makes_stays_theirs_wherever_it_is(panel, freezer):
    c = panel
    session = book(c)
    (event,) = c.discord.events.listed(False)
    copied = (
        "name",
        "privacy_level",
        "entity_type",
        "entity_metadata",
        "scheduled_start_time",
        "scheduled_end_time",
    )
    made = c.discord.events.announce(c.ben, {name: event[name] for name in copied})
    elsewhere = {"location": "https://ada.play.example/#00000000"}
    c.discord.events.announce(c.ben, {n: made[n] for n in copied} | {"entity_metadata": elsewhere})
    c.discord.interested(made["id"], c.ben)
    c.invoke("move-session", userId=c.ada.id, sessionId=session, startTime=1795896000, duration=90)
    changed(c)
    five_minutes(c, freezer)
    assert not interested(c, session)
    c.invoke("cancel-scheduled-session", userId=c.ada.id, sessionId=session)
    changed(c)
    assert len(events(c)) == 2


def test_an_event_that_has_begun_is_over_when_its_session_is(panel, ecs, freezer):
    c = panel
    session = book(c, when="in 1 hour")
    freezer.tick(3300)
    minute(c, freezer)
    ecs.comes_up(ecs.only_task())
    for _ in range(5):
        minute(c, freezer)
        changed(c)
    (event,) = c.discord.events.listed(False)
    assert event["status"] == ACTIVE
    assert c.invoke("cancel-scheduled-session", userId=c.ada.id, sessionId=session)["success"]
    minute(c, freezer)
    changed(c)
    assert events(c) == []


def test_while_a_table_is_being_destroyed_its_events_are_over(panel, meanwhile):
    """Whatever fails then: its session may still be booked."""
    c = panel
    book(c)
    with meanwhile("GetItem", after=2, mode=BEFORE):
        c.invoke("destroy-instance", userId=c.ada.id)
    (instance,) = world.items("instances")
    assert (instance["status"], len(instance["bookings"])) == ("destroying", 1)
    changed(c)
    assert events(c) == []
