"""A table in a channel: it shows how the table is, and lets its crew wake, keep and stop it."""

from __future__ import annotations

import pytest

from handler.app import RetryLater
from local.discord.speaking import say
from tests import world
from tests.aws_calls import AWS, BEFORE
from tests.discord.community import FORM, changed_record
from tests.foundry_server import NOBODY_PLAYS, UP, playing

pytestmark = pytest.mark.slow
NOW = "2026-11-24T10:00:00Z"


@pytest.fixture
def c(freezer, community):
    freezer.move_to(NOW)
    world.new_process()
    community.makes_server(community.ada)
    community.place = community.discord.channel("tables")
    return community


@pytest.fixture
def panel(c):
    """Ada's table has one."""
    seen = c.asks(c.ada, "server panel", channel=c.place)
    assert "shows how it is" in seen.text
    changed(c)
    return c


def shown(c):
    """What everybody reads in the channel."""
    return [message["content"] for message in c.discord.messages(c.place)]


def buttons(c):
    (message,) = c.discord.messages(c.place)
    rows = message["components"]
    return {one["label"]: one["custom_id"] for row in rows for one in row["components"]}


def changed(c):
    """Lambda hands over what has changed in the table of instances since it last looked."""
    servers = {item["userId"]: item for item in world.items("instances")}
    records = [
        changed_record("MODIFY", user, c.servers.get(user, {}), item)
        for user, item in servers.items()
        if "panelChannel" in item
    ]
    c.servers = servers
    return c.invoke({"Records": records}) if records else None


def minute(c, freezer):
    """A minute passes, and its tick."""
    freezer.tick(60)
    assert c.invoke("prepare-sessions", userId="system")["success"]
    for order in [o for o in AWS.queue if o.get("action") == "update-panels"]:
        AWS.queue.remove(order)
        c.invoke(order)


def servers(c):
    """Ada's."""
    return [item for item in world.items("instances") if item["userId"] == c.ada.id]


def crew(c, what, whom):
    """Ada adds somebody to her crew, or takes somebody out of it."""
    said = c.carried_out(c.discord.command(c.ada, f"server {what}", given={"who": whom}))
    assert not said.text.startswith("⚠️"), said.text


def presses(c, who, label):
    (message,) = c.discord.messages(c.place)
    return c.carried_out(c.discord.press(who, message, buttons(c)[label]))


def test_the_panel_follows_its_table(panel, ecs, freezer):
    c = panel
    (said,) = shown(c)
    assert said == "## Ada\nAsleep; nobody has played here yet."
    assert list(buttons(c)) == ["Wake", "Save"]
    assert "starting" in presses(c, c.ada, "Wake").text.lower()
    freezer.tick(3)
    changed(c)
    assert "Starting since" in shown(c)[0]
    assert list(buttons(c)) == ["Stop"]
    ecs.comes_up(ecs.only_task())
    freezer.tick(3)
    changed(c)
    (said,) = shown(c)
    assert "Open, since" in said
    assert "https://ada.play.example" in said
    assert "Stops <t:" in said
    assert list(buttons(c)) == ["Keep it running", "Stop"]
    presses(c, c.ada, "Keep it running")
    presses(c, c.ada, "Stop")
    ecs.ends(ecs.only_task())
    changed(c)
    assert "Asleep." in shown(c)[0]


def test_what_has_not_changed_is_not_edited(panel):
    before = len(panel.discord.requests)
    for _ in range(3):
        changed(panel)
    assert len(panel.discord.requests) == before


def test_a_booked_session_is_shown(panel):
    c = panel
    c.asks(c.ada, "session book", when="friday 8pm", minutes=60)
    changed(c)
    assert "Next session: <t:1795809600:F>" in shown(c)[0]


def test_a_session_that_is_over_is_shown_no_more(panel, ecs, freezer):
    c = panel
    c.asks(c.ada, "session book", when="in 1 hour", minutes=60)
    changed(c)
    freezer.tick(3300)
    minute(c, freezer)
    ecs.comes_up(ecs.only_task())
    minute(c, freezer)
    freezer.tick(3500)
    minute(c, freezer)
    changed(c)
    assert "Next session" in shown(c)[0]
    for _ in range(5):
        minute(c, freezer)
    assert "Next session" not in shown(c)[0]


def test_whom_the_owner_names_wakes_keeps_and_stops_and_nothing_else(panel, ecs):
    c = panel
    assert "Only its owner and its crew" in presses(c, c.ben, "Wake").text
    assert not ecs.tasks()
    crew(c, "crew-add", c.ben)
    assert "Only its owner may do that" in presses(c, c.ben, "Save").text
    assert "starting" in presses(c, c.ben, "Wake").text.lower()
    ecs.comes_up(ecs.only_task())
    changed(c)
    for label in ("Keep it running", "Stop"):
        assert not presses(c, c.ben, label).text.startswith("⚠️")
    crew(c, "crew-remove", c.ben)
    assert "Only its owner and its crew" in presses(c, c.ben, "Stop").text


def test_the_crew_wakes_keeps_and_stops_by_commands_that_name_the_owner(panel, ecs):
    c = panel
    assert "Only its owner and its crew" in c.asks(c.ben, "server start", table=c.ada).text
    assert not ecs.tasks()
    crew(c, "crew-add", c.ben)
    assert "starting" in c.asks(c.ben, "server start", table=c.ada).text.lower()
    ecs.comes_up(ecs.only_task())
    kept = c.asks(c.ben, "server keep", table=c.ada, minutes=90)
    assert not kept.text.startswith("⚠️"), kept.text
    assert not c.asks(c.ben, "server stop", table=c.ada).text.startswith("⚠️")
    assert "You have no Foundry server yet." in c.asks(c.ben, "server stop").text


def test_who_names_a_table_that_there_is_not_is_told_so(panel):
    c = panel
    assert "There is no such table" in c.asks(c.ada, "server start", table=c.ben).text


def test_an_owner_may_name_the_own_table(panel, ecs):
    c = panel
    assert "starting" in c.asks(c.ada, "server start", table=c.ada).text.lower()


def test_the_panel_says_how_many_play(panel, ecs, foundry, freezer):
    c = panel
    presses(c, c.ada, "Wake")
    ecs.comes_up(ecs.only_task())
    for said, words in (
        (playing(3), "3 play."),
        (playing(1), "One plays."),
        (NOBODY_PLAYS, "Nobody plays."),
        (UP, "R>."),
    ):
        foundry.says["ada.play.example"] = said
        freezer.tick(300)
        assert c.invoke("auto-shutdown-check", userId="system")["success"]
        changed(c)
        assert shown(c)[0].splitlines()[1].endswith(words)
    foundry.says["ada.play.example"] = playing(3)
    freezer.tick(300)
    c.invoke("auto-shutdown-check", userId="system")
    assert "Players: 3" in c.asks(c.ada, "server status").text
    ecs.ends(ecs.only_task())
    assert "Players" not in c.asks(c.ada, "server status").text


def test_a_role_may_be_crew_and_who_loses_it_is_none(panel, ecs):
    c = panel
    role = c.discord.role("Friday group")
    crew(c, "crew-add", role)
    assert "Only its owner" in presses(c, c.ben, "Wake").text
    c.ben.roles.append(role)
    presses(c, c.ben, "Wake")
    assert ecs.tasks()
    c.ben.roles.clear()
    changed(c)
    assert "Only its owner" in presses(c, c.ben, "Stop").text


@pytest.mark.parametrize(
    "made_up", ["destroy-instance", "get-user-costs", "admin-overview", "start-instance", "x"]
)
def test_no_forged_button_does_what_no_panel_has(panel, made_up):
    c = panel
    crew(c, "crew-add", c.ben)
    before = world.items("instances")
    for owner in (c.ada.id, "nobody", "system", c.ben.id):
        if (made_up, owner) == ("start-instance", c.ada.id):
            continue
        sent = c.made_up(c.ben, 3, {"custom_id": f"panel:{made_up}:{owner}", "component_type": 2})
        _, said = c.signs(sent)
        assert said["data"]["content"].startswith("⚠️"), said
    assert c.orders() == []
    assert world.items("instances") == before


def test_a_panel_is_moved_and_taken_down(panel):
    c = panel
    other = c.discord.channel("elsewhere")
    c.asks(c.ada, "server panel", channel=other)
    assert shown(c) == []
    assert len(c.discord.messages(other)) == 1
    assert "no panel any more" in c.asks(c.ada, "server panel").text
    assert c.discord.messages(other) == []
    assert not [key for item in world.items("instances") for key in item if key.startswith("panel")]


def test_a_panel_that_somebody_deletes_is_forgotten(panel):
    c = panel
    c.discord.delete(c.discord.messages(c.place)[0])
    c.asks(c.ada, "session book", when="friday 8pm", minutes=60)
    changed(c)
    assert shown(c) == []
    assert changed(c) is None
    assert not [o for o in AWS.queue if o.get("kind") == "panel-lost"]


def test_of_a_channel_that_is_gone_the_owner_is_told_once(panel):
    c = panel
    c.discord.delete(c.place)
    c.asks(c.ada, "session book", when="friday 8pm", minutes=60)
    changed(c)
    changed(c)
    (notice,) = [o for o in AWS.queue if o.get("kind") == "panel-lost"]
    assert notice["about"] == c.ada.id
    assert changed(c) is None


def test_where_the_bot_may_not_write_there_is_no_panel(c):
    closed = c.discord.channel("closed", bot_permissions=0)
    assert "may not write in that channel" in c.asks(c.ada, "server panel", channel=closed).text
    assert changed(c) is None


def test_after_an_outage_every_panel_is_right_within_a_minute(panel, ecs, freezer):
    c = panel
    form = c.discord.command(c.ben, "server create")
    other = FORM | {"foundryLicense": "BBBB-BBBB-CCCC-DDDD-EEEE-FFFF"}
    c.carried_out(c.discord.submits(c.ben, form, **other))
    c.asks(c.ben, "server panel", channel=c.place)
    c.discord.down = True
    for who in (c.ada, c.ben):
        c.invoke("start-instance", userId=who.id)
        changed(c)
    for _ in range(60):
        minute(c, freezer)
    assert all("Asleep" in said for said in shown(c))
    c.discord.down = False
    minute(c, freezer)
    assert [said.splitlines()[1].partition(" since")[0] for said in shown(c)] == ["Starting"] * 2
    requests = len(c.discord.requests)
    minute(c, freezer)
    assert len(c.discord.requests) == requests, "nothing is behind any more"


def test_a_panel_whose_answer_was_lost_is_there_once(c, freezer):
    c.discord.loses = 1
    assert "did not answer in time" in c.asks(c.ada, "server panel", channel=c.place).text
    c.asks(c.ada, "server panel", channel=c.place)
    changed(c)
    minute(c, freezer)
    assert len(shown(c)) == 1
    c.asks(c.ada, "session book", when="friday 8pm", minutes=60)
    c.discord.loses = 1
    changed(c)
    minute(c, freezer)
    (said,) = shown(c)
    assert "Next session" in said


def test_a_panel_whose_answer_was_lost_is_found_long_afterwards(c, freezer):
    """Discord remembers a nonce for minutes only."""
    c.discord.loses = 1
    assert "did not answer in time" in c.asks(c.ada, "server panel", channel=c.place).text
    assert len(shown(c)) == 1
    freezer.tick(3600)
    assert "shows how it is" in c.asks(c.ada, "server panel", channel=c.place).text
    assert len(shown(c)) == 1
    assert presses(c, c.ada, "Wake").text.startswith("Instance starting")


def test_who_has_the_same_name_has_another_panel(panel):
    c = panel
    other = c.discord.joins("Mallory", nick="Ada")
    form = FORM | {"foundryLicense": "BBBB-BBBB-CCCC-DDDD-EEEE-FFFF"}
    c.carried_out(c.discord.submits(other, c.discord.command(other, "server create"), **form))
    c.asks(other, "server panel", channel=c.place)
    assert len(shown(c)) == 2
    c.asks(other, "server panel")
    assert len(shown(c)) == 1
    assert {custom_id.rpartition(":")[2] for custom_id in buttons(c).values()} == {c.ada.id}


def test_nobody_elses_message_is_taken_for_a_panel(c):
    said = say(
        c.discord.guild,
        c.ben.id,
        c.place,
        {"content": "## Ada\nis here", "flags": 0, "components": []},
    )
    c.asks(c.ada, "server panel", channel=c.place)
    first, second = shown(c)
    assert first == said.data["content"]
    assert second.startswith("## Ada\nAsleep")


@pytest.mark.parametrize("through", range(1, 4))
def test_where_it_was_a_panel_that_was_moved_is_taken_away_however_late(panel, freezer, through):
    """Discord fails after so many requests: the one that takes it away, or those around it."""
    c = panel
    other = c.discord.channel("elsewhere")
    c.discord.fails_with = [200] * through + [503]
    c.asks(c.ada, "server panel", channel=other)
    changed(c)
    for _ in range(2):
        minute(c, freezer)
    assert len(shown(c)) + len(c.discord.messages(other)) == 1


def test_a_record_that_comes_late_takes_no_panel_away_that_is_used_again(panel):
    c = panel
    other = c.discord.channel("elsewhere")
    before = c.servers
    c.discord.fails_with = [200, 200, 503]  # it stays where it was for now
    c.asks(c.ada, "server panel", channel=other)
    [late] = [changed_record("MODIFY", c.ada.id, before[c.ada.id], i) for i in servers(c)]
    c.asks(c.ada, "server panel", channel=c.place)
    changed(c)
    assert c.invoke({"Records": [late]})["success"]
    assert len(shown(c)) == 1


def test_what_is_left_of_a_table_that_is_there_again_takes_nothing_of_it_away(panel, freezer):
    c = panel
    [gone] = [changed_record("REMOVE", c.ada.id, i, {}) for i in servers(c)]
    c.asks(c.ada, "session book", when="friday 8pm", minutes=60)
    changed(c)
    assert c.invoke({"Records": [gone]})["success"]
    assert len(shown(c)) == 1
    assert len(c.discord.events.listed(False)) == 1


def test_two_who_put_it_up_in_one_place_at_once_leave_it_there(c, meanwhile):
    def put_up():
        return c.invoke("set-panel", userId=c.ada.id, channelId=c.place.id)

    with meanwhile("UpdateItem", put_up):
        assert put_up()["errorCode"] == "RESOURCE_CONFLICT"
    assert len(shown(c)) == 1
    assert servers(c)[0]["panelMessage"] == c.discord.messages(c.place)[0]["id"]


def test_two_who_edit_at_once_leave_what_is_true(panel, meanwhile, freezer):
    """The older state is never shown last: one edits, and what the other finds claimed the tick goes on with."""
    c = panel
    c.asks(c.ada, "session book", when="friday 8pm", minutes=60)

    def somebody_else():
        cancelled = c.invoke("cancel-scheduled-session", userId=c.ada.id, sessionId=session)
        assert cancelled["success"], cancelled
        changed(c)

    (session,) = [item["sessionId"] for item in world.items("sessions")]
    with meanwhile("UpdateItem", somebody_else):
        changed(c)
    changed(c)
    minute(c, freezer)
    assert "Next session" not in shown(c)[0]


def test_whatever_call_fails_a_panel_is_right_in_the_end(panel, meanwhile, freezer):
    c = panel
    c.asks(c.ada, "session book", when="friday 8pm", minutes=60)
    for call in ("GetItem", "UpdateItem", "TransactWriteItems"):
        for nth in range(3):
            with meanwhile(call, after=nth, mode=BEFORE):
                try:
                    changed(c)
                except RetryLater:
                    changed(c)
            freezer.tick(31)
    changed(c)
    minute(c, freezer)
    assert "Next session" in shown(c)[0]


def test_another_tables_stream_is_refused(panel):
    record = {
        "eventSource": "aws:dynamodb",
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/other/stream/x",
        "dynamodb": {"Keys": {"userId": {"S": panel.ada.id}}},
    }
    assert panel.invoke({"Records": [record]})["errorCode"] == "PERMISSION_DENIED"


def test_a_crew_has_25_at_most(c, invoke):
    for number in range(25):
        assert invoke("crew-add", userId=c.ada.id, crewId=str(10**17 + number))["success"]
    assert invoke("crew-add", userId=c.ada.id, crewId=str(10**17))["success"], "known already"
    refused = invoke("crew-add", userId=c.ada.id, crewId=str(10**18))
    assert refused["errorCode"] == "RESOURCE_CONFLICT"


def removed(c, item):
    """Lambda hands over that an item is gone."""
    from services.values import serialize

    record = {
        "eventName": "REMOVE",
        "eventSource": "aws:dynamodb",
        "eventSourceARN": "arn:aws:dynamodb:us-east-1:123456789012:table/foundry-test-instances/stream/x",
        "dynamodb": {
            "Keys": {"userId": {"S": item["userId"]}},
            "OldImage": {name: serialize(value) for name, value in item.items()},
        },
    }
    return c.invoke({"Records": [record]})


@pytest.mark.parametrize("outage", [0, 5])
def test_of_a_table_that_is_gone_nothing_is_left(panel, freezer, outage):
    c = panel
    c.asks(c.ada, "session book", when="friday 8pm", minutes=60)
    changed(c)
    assert len(c.discord.events.listed(False)) == 1
    (item,) = world.items("instances")
    c.discord.down = bool(outage)
    c.invoke("destroy-instance", userId=c.ada.id)
    assert world.items("instances") == []
    removed(c, item)
    for _ in range(outage):
        minute(c, freezer)
    c.discord.down = False
    minute(c, freezer)
    assert (shown(c), c.discord.events.listed(False)) == ([], [])
    requests = len(c.discord.requests)
    minute(c, freezer)
    assert len(c.discord.requests) == requests


def test_what_came_back_to_what_it_was_is_shown_as_it_is(panel, freezer):
    """The edit between took effect, and its answer was lost."""
    c = panel
    c.asks(c.ada, "session book", when="friday 8pm", minutes=60)
    c.discord.loses = 1
    changed(c)
    assert "Next session" in shown(c)[0]
    (session,) = [item["sessionId"] for item in world.items("sessions")]
    c.invoke("cancel-scheduled-session", userId=c.ada.id, sessionId=session)
    changed(c)
    minute(c, freezer)
    assert "Next session" not in shown(c)[0]


def test_while_discord_is_down_no_attempt_makes_the_next_one(panel, freezer):
    c = panel
    c.asks(c.ada, "session book", when="friday 8pm", minutes=60)
    c.discord.down = True
    before, requests = None, len(c.discord.requests)
    for _ in range(7):  # each change of the item is told three seconds later
        if before == (before := world.items("instances")):
            break
        changed(c)
        freezer.tick(3)
    assert before == world.items("instances"), "there is an end"
    assert len(c.discord.requests) - requests == 1


@pytest.mark.parametrize("field", ["botToken", "guildId"])
def test_a_secret_that_is_wrong_for_a_while_loses_no_panel(panel, freezer, field):
    import json

    c = panel
    secrets, name = world.client("secretsmanager"), "foundry-test/discord"
    good = secrets.get_secret_value(SecretId=name)["SecretString"]
    bad = json.loads(good) | {field: "" if field == "guildId" else "another"}
    secrets.put_secret_value(SecretId=name, SecretString=json.dumps(bad))
    world.new_process()
    c.invoke("start-instance", userId=c.ada.id)
    changed(c)
    secrets.put_secret_value(SecretId=name, SecretString=good)
    world.new_process()
    minute(c, freezer)
    assert "Starting" in shown(c)[0]


def test_a_panel_stays_where_it_is_if_it_cannot_be_moved(panel):
    c = panel
    closed = c.discord.channel("closed", bot_permissions=0)
    assert "may not write in that channel" in c.asks(c.ada, "server panel", channel=closed).text
    assert len(shown(c)) == 1
    c.discord.down = True
    seen = c.discord.command(c.ada, "server panel", given={"channel": c.discord.channel("other")})
    (order,) = c.orders()
    AWS.queue.clear()
    c.invoke(order)
    c.discord.down = False
    assert seen.is_thinking
    c.asks(c.ada, "session book", when="friday 8pm", minutes=60)
    changed(c)
    assert "Next session" in shown(c)[0]
    assert not [o for o in AWS.queue if o.get("kind") == "panel-lost"]


def test_the_crew_is_told_nothing_of_the_owners_money(panel, monkeypatch, freezer, ecs):
    c = panel
    crew(c, "crew-add", c.ben)
    c.invoke("start-instance", userId=c.ada.id)
    ecs.comes_up(ecs.only_task())
    freezer.tick(5 * 3600)
    c.invoke("stop-instance", userId=c.ada.id)
    ecs.ends(ecs.only_task())
    monkeypatch.setenv("BUDGET_PER_USER", "0.05")
    world.new_process()
    changed(c)
    text = presses(c, c.ben, "Wake").text
    assert "no budget left" in text
    assert "USD" not in text
    assert "USD" in presses(c, c.ada, "Wake").text


def test_everybody_may_be_crew(panel, ecs):
    c = panel
    c.invoke("crew-add", userId=c.ada.id, crewId=c.discord.guild_id)
    presses(c, c.ben, "Wake")
    assert ecs.tasks()


def test_two_who_move_it_at_once_leave_one(panel, meanwhile):
    c = panel
    other, third = c.discord.channel("other"), c.discord.channel("third")

    def somebody_else():
        assert c.invoke("set-panel", userId=c.ada.id, channelId=third.id)["success"]

    with meanwhile("UpdateItem", somebody_else):
        c.invoke("set-panel", userId=c.ada.id, channelId=other.id)
    changed(c)
    found = [len(c.discord.messages(place)) for place in (c.place, other, third)]
    assert sum(found) == 1
