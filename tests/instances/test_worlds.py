"""Which world a server opens at its start: a wish to the container that decides, the same however often asked."""

from __future__ import annotations

from contextlib import suppress

import pytest

from tests import world
from tests.aws_calls import AWS, BEFORE, DIES_BEFORE, Call, ProcessDied
from tests.foundry_server import NO_WORLD, playing
from tests.functions.writing import now_ms
from tests.world import sample

pytestmark = pytest.mark.slow

USER, HOST = sample("create-instance")["userId"], "ada.play.example"
NOW = 1772395200  # 2026-03-01T20:00:00Z
TICK, PREPARE = sample("auto-shutdown-check"), sample("prepare-sessions")


@pytest.fixture
def created(invoke, freezer, once):
    freezer.move_to("2026-03-01T20:00:00Z")
    once(lambda: invoke(sample("create-instance")))


def wishes():
    """What each RunTask for a member's server asked of its containers."""
    asked = [a for a in AWS.requests("ecs.RunTask") if not a["startedBy"].startswith("fetch-")]
    return [one["overrides"]["containerOverrides"] for one in asked]


def opening(name):
    return [{"name": "prepare", "environment": [{"name": "WORLD", "value": name}]}]


def instance():
    (found,) = world.items("instances")
    return found


def test_a_world_is_opened_at_each_start_until_another_is_named(created, invoke, ecs):
    assert invoke("set-world", userId=USER, world="crimson-throne")["world"] == "crimson-throne"
    assert invoke("status", userId=USER)["world"] == "crimson-throne"
    AWS.begin()
    invoke(sample("start-instance"))
    assert wishes() == [opening("crimson-throne")]
    (run,) = world.items("runs")
    assert run["world"] == "crimson-throne"
    ecs.ends(ecs.only_task())
    assert "runWorld" not in instance()
    assert invoke("set-world", userId=USER, world=None)["world"] is None
    assert "world" not in invoke("status", userId=USER)
    AWS.begin()
    invoke(sample("start-instance"))
    assert wishes() == [[]]


def test_what_is_named_while_it_starts_holds_from_the_next_start_on(created, invoke, freezer):
    invoke("set-world", userId=USER, world="one")
    AWS.begin((Call("ecs.RunTask", 1), DIES_BEFORE))
    with pytest.raises(ProcessDied):
        invoke(sample("start-instance"))
    AWS.begin()
    invoke("set-world", userId=USER, world="two")
    freezer.tick(301)
    invoke(TICK)
    assert wishes() == [opening("one")]


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "a/b", "../x", "a b", "Käse", "a\n", "$(touch x)", "x" * 101, 7, ["a"], True],
)
def test_what_foundry_lets_no_world_be_called_is_refused(created, invoke, name):
    answer = invoke("set-world", userId=USER, world=name)
    assert answer["errorCode"] == "VALIDATION_ERROR"
    assert answer["details"]["field"] == "world"
    assert "world" not in instance()


def test_whether_there_is_to_be_a_world_must_be_said(created, invoke):
    event = {"action": "set-world", "userId": USER}
    assert invoke(event)["details"]["field"] == "world"


def test_who_has_no_server_has_no_world(invoke, aws):
    assert invoke("set-world", userId="nobody", world="a")["errorCode"] == "RESOURCE_NOT_FOUND"


def book(invoke, **changes):
    fields = {"userId": USER, "startTime": NOW + 3600, "duration": 60} | changes
    return invoke("schedule-session", **fields)["sessionId"]


def sessions_world(invoke):
    (session,) = invoke("get-scheduled-sessions", userId=USER)["sessions"]
    return session.get("world")


def test_a_sessions_world_holds_for_its_runs_and_for_no_other(created, invoke, ecs, freezer):
    invoke("set-world", userId=USER, world="home")
    book(invoke, world="away")
    assert sessions_world(invoke) == "away"
    AWS.begin()
    invoke(sample("start-instance"))
    ecs.ends(ecs.only_task())
    freezer.move_to("2026-03-01T20:55:01Z")
    invoke(PREPARE)
    ecs.comes_up(ecs.only_task())
    freezer.tick(60)
    invoke(PREPARE)
    ecs.ends(ecs.only_task(), exit_code=1)  # a crash: it starts again for the session
    freezer.tick(60)
    invoke(PREPARE)
    assert wishes() == [opening("home"), opening("away"), opening("away")]


def test_a_start_within_a_session_opens_the_sessions_world(created, invoke, freezer):
    book(invoke, world="away")
    freezer.move_to("2026-03-01T20:52:00Z")
    AWS.begin()
    assert invoke(sample("start-instance"))["success"]
    assert wishes() == [opening("away")]


def test_a_session_can_get_another_world_and_none_of_its_own(created, invoke, freezer):
    session = book(invoke, world="one")
    assert invoke("move-session", userId=USER, sessionId=session, world="two")["success"]
    assert sessions_world(invoke) == "two"
    invoke("move-session", userId=USER, sessionId=session, duration=90)
    assert sessions_world(invoke) == "two"
    invoke("move-session", userId=USER, sessionId=session, world=None)
    assert sessions_world(invoke) is None
    refused = invoke("move-session", userId=USER, sessionId=session)
    assert refused["errorCode"] == "VALIDATION_ERROR"
    freezer.move_to("2026-03-01T20:55:01Z")
    AWS.begin()
    invoke(PREPARE)
    assert wishes() == [[]]


@pytest.mark.parametrize("action", ["schedule-session", "move-session"])
def test_a_session_takes_no_name_that_foundry_would_not(created, invoke, action):
    session = book(invoke)
    fields = {"startTime": NOW + 90000, "duration": 60, "sessionId": session}
    answer = invoke(action, userId=USER, world="../x", **fields)
    assert answer["details"]["field"] == "world"


LINE = "The world is not opened at once: the module dice-so-nice is not what it was."
WHY = "The world crimson-throne was not opened, because the module dice-so-nice is not what it was."


@pytest.fixture
def opening_a_world(created, invoke, ecs, foundry):
    """A server that was asked to open its world; Foundry answers, and shows none yet."""
    invoke("set-world", userId=USER, world="crimson-throne")
    invoke(sample("start-instance"))
    foundry.says[HOST] = None
    ecs.comes_up(ecs.only_task())
    foundry.says[HOST] = NO_WORLD


def writes(*lines, task="", container="prepare"):
    """What a container of the task has written is in the log."""
    name = f"{instance()['instanceId']}/{container}/{task or instance()['taskArn'].split('/')[-1]}"
    group, logs = f"/ecs/{world.STACK}", world.client("logs")
    with suppress(logs.exceptions.ResourceAlreadyExistsException):
        logs.create_log_stream(logGroupName=group, logStreamName=name)
    events = [{"timestamp": now_ms(), "message": line} for line in lines]
    logs.put_log_events(logGroupName=group, logStreamName=name, logEvents=events)


def minutes(invoke, freezer, count=1):
    for _ in range(count):
        freezer.tick(60)
        assert invoke(PREPARE)["failures"] == 0


def messages():
    return [o["message"] for o in AWS.queue if o["action"] == "send-notification"]


def test_its_member_is_told_once_its_world_is_open(opening_a_world, invoke, foundry, freezer):
    minutes(invoke, freezer, 2)
    assert (instance()["phase"], messages()) == ("world", [])
    foundry.says[HOST] = playing(0)
    minutes(invoke, freezer)
    assert messages() == [f"Your table is ready: https://{HOST}"]


def test_an_open_world_is_found_by_the_tick_where_no_minute_looks(
    opening_a_world, invoke, foundry, freezer
):
    minutes(invoke, freezer)
    foundry.says[HOST] = playing(0)
    freezer.tick(300)
    assert invoke(TICK)["failures"] == 0
    assert messages() == [f"Your table is ready: https://{HOST}"]


def test_why_it_waits_at_its_setup_screen_is_told_and_kept(opening_a_world, invoke, ecs, freezer):
    writes("Waiting for something.", LINE)
    minutes(invoke, freezer)
    assert messages() == [
        f"Your server is up. {WHY} It waits at its setup screen: https://{HOST}/setup"
    ]
    said = "the module dice-so-nice is not what it was"
    assert invoke("status", userId=USER)["worldNotOpened"] == said
    ecs.ends(ecs.only_task())
    assert "worldNotOpened" not in instance()
    (run,) = world.items("runs")
    assert (run["world"], run["worldNotOpened"]) == ("crimson-throne", said)


def test_a_world_that_does_not_come_is_not_waited_for_for_ever(opening_a_world, invoke, freezer):
    minutes(invoke, freezer, 6)
    assert messages() == [f"Your server is up and waits at its setup screen: https://{HOST}/setup"]


def test_a_line_that_comes_late_is_read_all_the_same(opening_a_world, invoke, freezer):
    minutes(invoke, freezer, 2)
    writes(LINE)
    minutes(invoke, freezer, 4)
    (message,) = messages()
    assert WHY in message


@pytest.mark.parametrize("where", [{"container": "foundry"}, {"task": "0" * 32}])
def test_only_the_runs_own_preparing_container_is_believed(opening_a_world, invoke, freezer, where):
    writes(LINE, **where)
    minutes(invoke, freezer, 6)
    (message,) = messages()
    assert "dice-so-nice" not in message


def test_a_log_that_cannot_be_read_holds_nothing_up(opening_a_world, invoke, freezer):
    writes(LINE)
    for _ in range(6):
        AWS.begin((Call("logs.FilterLogEvents", 0), BEFORE))
        minutes(invoke, freezer)
        AWS.end()
    (message,) = messages()
    assert message.endswith(f"https://{HOST}/setup")


def test_the_log_is_read_once_or_twice_however_many_look(opening_a_world, invoke, freezer):
    AWS.begin()
    minutes(invoke, freezer, 6)
    reads = [call for call in AWS.calls if call.name == "logs.FilterLogEvents"]
    assert len(reads) == 2
