"""ECS tells of a task before it says where the task can be reached."""

from __future__ import annotations

import pytest

from tests import world
from tests.world import sample

WITHOUT = [
    None,
    [],
    [{"type": "eni", "details": None}],
    [{"type": "eni", "details": [{"name": "privateIPv4Address", "value": None}]}],
]


@pytest.fixture
def starting(invoke, ecs, freezer, once):
    """A task on its way up."""

    def start():
        invoke(sample("create-instance"))
        invoke(sample("start-instance"))
        return ecs.only_task()

    freezer.move_to("2026-03-01T20:00:00Z")
    return once(start)


@pytest.mark.parametrize("attachments", WITHOUT, ids=str)
def test_a_task_that_runs_without_attachments_yet_is_reached_once_it_has_some(
    starting, invoke, ecs, attachments
):
    event = ecs.up(starting)
    event["detail"]["attachments"] = attachments
    assert invoke(event)["success"] is True
    status = invoke(sample("status"))
    assert status["status"] == "starting"
    assert "no network address" in str(status)
    assert world.client("elbv2").describe_target_groups()["TargetGroups"] == []
    invoke(ecs.event(starting))
    assert invoke(sample("status"))["status"] == "running"


@pytest.mark.parametrize(
    "key", ["containers", "startedBy", "stopCode", "pullStartedAt", "startedAt"]
)
def test_whatever_else_an_event_leaves_empty_is_as_if_it_were_not_there(starting, invoke, ecs, key):
    event = ecs.up(starting)
    event["detail"][key] = None
    assert invoke(event)["success"] is True
