"""Whatever a member asks for: if the server is gone between what was read and what is written, it stays gone."""

from __future__ import annotations

import pytest

from actions import ACTIONS, find
from actions.action import Scope
from tests import world
from tests.actions_that_read import ONLY_READ
from tests.world import sample

pytestmark = pytest.mark.slow

USER = sample("create-instance")["userId"]
NOW = 1772395200  # 2026-03-01T20:00:00Z
OF_MEMBERS = [n for n in ACTIONS if find(n).scope is Scope.USER and n not in ONLY_READ]


@pytest.fixture
def made(invoke, freezer, bedrock, once):
    freezer.move_to("2026-03-01T20:00:00Z")

    def make():
        invoke(sample("create-instance"))
        asked = {"userId": USER, "startTime": NOW + 24 * 3600, "duration": 60}
        return invoke("schedule-session", **asked)["sessionId"]

    return once(make)


@pytest.fixture(params=["created", "running", "stopped"])
def session(request, made, invoke, ecs):
    """A session of a server that is in that state."""
    if request.param != "created":
        invoke("start-instance", userId=USER)
        ecs.comes_up(task := ecs.only_task())
    if request.param == "stopped":
        invoke("stop-instance", userId=USER)
        ecs.ends(task)
    return made


def vanish():
    """Somebody else's destroying is over: the row is no more."""
    table, key = world.table_of("instances"), {"userId": {"S": USER}}
    world.client("dynamodb").delete_item(TableName=table, Key=key)


@pytest.mark.parametrize(
    ("call", "after"), [("UpdateItem", 0), ("TransactWriteItems", 0), ("TransactWriteItems", 1)]
)
@pytest.mark.parametrize("name", OF_MEMBERS)
def test_a_server_that_is_gone_meanwhile_is_no_error_of_the_platforms_and_not_half_there_again(
    session, invoke, meanwhile, name, call, after
):
    event = sample(name, userId=USER)
    if "sessionId" in event:
        event["sessionId"] = session
    if "startTime" in event:
        event["startTime"] = NOW + 30 * 3600
    with meanwhile(call, vanish, after=after):
        answer = invoke(event)
    assert answer.get("errorCode") != "INTERNAL_ERROR", answer
    assert all("instanceId" in item and "status" in item for item in world.items("instances"))
