"""A server is running once Foundry answers; its member is told when its world is, or what it waits for."""

from __future__ import annotations

import pytest
import urllib3

from tests import world
from tests.aws_calls import AWS
from tests.foundry_server import NO_WORLD
from tests.world import sample

pytestmark = pytest.mark.slow

USER = sample("create-instance")["userId"]
HOST = "ada.play.example"
MINUTE = sample("prepare-sessions")


@pytest.fixture
def warming(invoke, ecs, foundry, freezer, once):
    """Its task runs, and Foundry does not answer yet."""
    freezer.move_to("2026-03-01T20:00:00Z")

    def begin():
        invoke(sample("create-instance"))
        invoke(sample("start-instance"))
        freezer.tick(40)
        foundry.says[HOST] = None
        ecs.comes_up(ecs.only_task())

    once(begin)
    foundry.says[HOST] = None
    freezer.move_to("2026-03-01T20:00:40Z")


def instance():
    (item,) = world.items("instances")
    return item


def notices():
    return [o for o in AWS.queue if o["action"] == "send-notification"]


def minute(invoke, freezer):
    freezer.tick(60)
    assert invoke(MINUTE)["failures"] == 0


def as_a_player(foundry, **headers):
    return urllib3.request(
        "GET", f"{foundry.url}/api/status", headers={"Host": HOST, **headers}
    ).status


def test_a_server_is_starting_until_foundry_answers(warming, invoke, foundry, freezer):
    for _ in range(3):
        minute(invoke, freezer)
        assert invoke("status", userId=USER)["status"] == "starting"
    foundry.says[HOST] = NO_WORLD
    minute(invoke, freezer)
    assert invoke("status", userId=USER)["status"] == "running"


def test_players_see_the_sleeping_page_until_foundry_answers(warming, invoke, foundry, freezer):
    foundry.says[HOST] = None
    assert as_a_player(foundry) == 404
    assert as_a_player(foundry, **{"X-Foundry-Warming": "something"}) == 404
    foundry.says[HOST] = NO_WORLD
    assert as_a_player(foundry) == 404
    minute(invoke, freezer)
    assert as_a_player(foundry) == 200


def test_what_a_task_runs_counts_from_its_own_beginning_not_from_foundrys(
    warming, invoke, ecs, foundry, freezer
):
    minute(invoke, freezer)
    foundry.says[HOST] = NO_WORLD
    minute(invoke, freezer)
    invoke(sample("stop-instance"))
    invoke(AWS.queue.pop())
    ecs.ends(ecs.tasks("STOPPED")[0])
    (run,) = world.items("runs")
    assert run["seconds"] == 120


@pytest.mark.parametrize(
    ("said", "unsigned", "phase", "place"),
    [
        ({"active": True, "version": "13.351", "world": "w"}, False, "ready", f"https://{HOST}"),
        (NO_WORLD, False, "setup", f"https://{HOST}/setup"),
        (NO_WORLD, True, "signature", f"https://{HOST}/license"),
    ],
)
def test_the_member_is_told_once_that_it_is_ready_or_for_what_it_waits(
    warming, invoke, foundry, freezer, said, unsigned, phase, place
):
    minute(invoke, freezer)
    assert notices() == []
    foundry.says[HOST] = said
    if unsigned:
        foundry.unsigned.add(HOST)
    for _ in range(10):
        minute(invoke, freezer)
        assert invoke(sample("auto-shutdown-check"))["failures"] == 0
    (notice,) = notices()
    assert notice["kind"] == "table-ready"
    assert notice["facts"] == {"phase": phase}
    assert notice["message"].endswith(place)
    assert instance()["phase"] == phase


def test_of_a_session_it_is_said_which(invoke, ecs, foundry, freezer):
    freezer.move_to("2026-03-01T20:00:00Z")
    invoke(sample("create-instance"))
    start = 1772395200 + 3600
    session = invoke("schedule-session", userId=USER, startTime=start, duration=60)["sessionId"]
    freezer.move_to("2026-03-01T20:54:30Z")
    minute(invoke, freezer)
    ecs.comes_up(ecs.only_task())
    minute(invoke, freezer)
    minute(invoke, freezer)
    (notice,) = notices()
    assert notice["kind"] == "session-ready"
    assert notice["facts"] == {"sessionId": session, "startTime": start, "phase": "ready"}


def test_a_server_on_which_foundry_never_answers_is_given_up(warming, invoke, ecs, freezer):
    for _ in range(20):
        minute(invoke, freezer)
        invoke(sample("auto-shutdown-check"))
    assert "in time" in invoke("status", userId=USER)["message"]
    ecs.ends(ecs.tasks("STOPPED")[0])
    (run,) = world.items("runs")
    assert run["endedBy"] == "failure"


def test_a_task_that_ends_before_foundry_answered_has_not_come_up(warming, invoke, ecs):
    ecs.ends(ecs.only_task(), exit_code=1, reason="Essential container in task exited")
    assert [n["kind"] for n in notices()] == ["start-failed"]
    assert world.client("elbv2").describe_target_groups()["TargetGroups"] == []
    assert "phase" not in instance()


def test_how_long_each_phase_took_is_kept_with_the_run_and_for_the_next_start(
    warming, invoke, ecs, foundry, freezer
):
    minute(invoke, freezer)
    foundry.says[HOST] = {"active": True, "version": "13.351", "world": "w"}
    minute(invoke, freezer)
    took = {"machine": 0, "image": 40, "foundry": 40, "ready": 160}
    assert {k: int(v) for k, v in instance()["lastArrival"].items()} == took
    invoke(sample("stop-instance"))
    invoke(AWS.queue.pop())
    ecs.ends(ecs.tasks("STOPPED")[0])
    (run,) = world.items("runs")
    assert run["arrival"]["ready"] - run["requestedAt"] == 160
    assert "arrival" not in instance()
    assert "lastArrival" in instance()


def test_who_has_signed_is_at_the_setup_screen_by_the_next_tick(warming, invoke, foundry, freezer):
    foundry.says[HOST] = NO_WORLD
    foundry.unsigned.add(HOST)
    minute(invoke, freezer)
    assert instance()["phase"] == "signature"
    foundry.unsigned.clear()
    freezer.tick(300)
    assert invoke(sample("auto-shutdown-check"))["failures"] == 0
    assert instance()["phase"] == "setup"
    assert len(notices()) == 1
