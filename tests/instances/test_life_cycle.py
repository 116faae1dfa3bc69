"""A member's server from create to destroy."""

from __future__ import annotations

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
