"""A member's server from create to destroy."""

from __future__ import annotations

import time

import pytest

from tests import world
from tests.world import sample

USER = "123456789012345678"


def test_a_server_goes_from_nothing_to_running_to_gone(invoke, ecs):
    created = invoke(sample("create-instance"))
    assert created == {
        "success": True,
        "instanceUrl": "https://ada.play.example",
        "message": "Instance created successfully",
    }
    assert invoke("status", userId=USER)["status"] == "created"
    assert invoke(sample("start-instance")) == {
        "success": True,
        "instanceUrl": "https://ada.play.example",
        "status": "starting",
        "message": "Instance starting...",
    }
    task = ecs.only_task()
    ecs.comes_up(task)
    assert invoke("status", userId=USER)["status"] == "running"
    assert invoke(sample("stop-instance")) == {
        "success": True,
        "status": "stopping",
        "message": "Instance stopping...",
    }
    ecs.ends(task)
    assert invoke("status", userId=USER)["status"] == "stopped"
    destroyed = invoke(sample("destroy-instance"))
    assert destroyed["success"] is True
    ecs.ends(ecs.only_task())
    assert invoke("status", userId=USER)["errorCode"] == "RESOURCE_NOT_FOUND"
    assert world.items("instances") == []


def test_the_status_says_when_the_server_stops_and_why_and_what_comes_next(invoke, ecs, freezer):
    freezer.move_to("2026-11-21T20:00:00Z")
    invoke(sample("create-instance"))
    begins = int(time.time()) + 5 * 3600
    booked = invoke(sample("schedule-session", startTime=begins, duration=60))
    invoke(sample("start-instance"))
    ecs.comes_up(ecs.only_task())
    status = invoke(sample("status"))
    assert status["stopsAt"] == int(time.time()) + 6 * 3600
    assert status["stopsBecause"] == "its time is up"
    assert status["nextSession"] == {
        "sessionId": booked["sessionId"],
        "startTime": begins,
        "endTime": begins + 3600,
    }
    assert status["allowLicenseSharing"] is False
    freezer.move_to("2026-11-22T01:01:00Z")
    status = invoke(sample("status"))
    assert status["stopsAt"] == begins + 2 * 3600  # an hour after its session
    assert status["stopsBecause"] == "its session is over"
    invoke(sample("admin-system-maintenance", userId="admin"))
    status = invoke(sample("status"))
    assert status["stopsAt"] == int(time.time()) + 600
    assert "maintained" in status["stopsBecause"]


def test_a_server_that_has_run_for_as_long_as_may_be_is_kept_no_longer(invoke, ecs, freezer):
    freezer.move_to("2026-11-21T20:00:00Z")
    invoke(sample("create-instance"))
    invoke(sample("start-instance"))
    ecs.comes_up(ecs.only_task())
    freezer.tick(11 * 3600)
    kept = invoke(sample("keep-alive", minutes=120))
    assert kept["until"] == int(time.time()) + 3600
    freezer.tick(3601)
    refused = invoke(sample("keep-alive"))
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert "12 hours" in refused["error"]


@pytest.mark.parametrize(
    ("before", "words", "way_out"),
    [
        (["start-instance"], "starting", "Play on it"),
        (["start-instance", "destroy-instance"], "being destroyed", "Wait some minutes"),
        ([], "created", "Start it"),
    ],
)
def test_who_makes_a_second_server_is_told_what_fits_the_first_ones_state(
    invoke, ecs, freezer, before, words, way_out
):
    invoke(sample("create-instance"))
    for action in before:
        invoke(sample(action))
    refused = invoke(sample("create-instance"))
    assert words in refused["error"]
    assert refused["details"]["suggestion"].startswith(way_out)
    assert refused["details"]["status"] in ("starting", "unknown", "created")
