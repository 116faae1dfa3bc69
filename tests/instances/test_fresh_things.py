"""AWS refuses for some seconds what was made a moment ago: that passes, and is no lack of rights."""

from __future__ import annotations

import time

import pytest

from tests import world
from tests.propagating import NOBODY_MAY, PROPAGATION
from tests.world import sample


@pytest.fixture
def waited(monkeypatch):
    """The seconds that were waited; nobody waits for them here."""
    seconds: list[float] = []
    monkeypatch.setattr(time, "sleep", seconds.append)
    yield seconds
    PROPAGATION.begin()


def test_a_server_is_made_started_and_destroyed_though_all_that_is_fresh_is_refused_at_first(
    waited, invoke, ecs
):
    PROPAGATION.begin(refusals=3)
    assert invoke(sample("create-instance"))["success"]
    assert invoke(sample("start-instance"))["success"]
    ecs.comes_up(ecs.only_task())
    assert invoke(sample("stop-instance"))["success"]
    ecs.ends(ecs.tasks("STOPPED")[0] if not ecs.tasks() else ecs.only_task())
    assert invoke(sample("destroy-instance"))["success"]
    assert set(PROPAGATION.refused) >= {
        *("PutPublicAccessBlock", "PutBucketPolicy", "PutUserPolicy", "PutRolePolicy"),
        *("RunTask", "DeleteUser", "DeleteRole"),
    }
    assert sum(waited) > 0


def test_what_goes_on_being_refused_is_given_up_after_some_seconds(waited, invoke):
    PROPAGATION.begin(refusals=1000)
    answer = invoke(sample("create-instance"))
    assert answer["errorCode"] == "INTERNAL_ERROR"
    assert max(PROPAGATION.refused.values()) <= 7
    PROPAGATION.begin()
    assert invoke(sample("create-instance"))["success"]  # and nothing stands in the way later


def test_a_right_that_is_missing_is_not_waited_for(waited, invoke):
    PROPAGATION.begin(refusals=1000, words=NOBODY_MAY)
    assert invoke(sample("create-instance"))["errorCode"] == "INTERNAL_ERROR"
    assert set(PROPAGATION.refused.values()) == {1}
    assert waited == []


def test_a_start_that_ecs_refuses_for_a_fresh_role_starts_one_task(waited, invoke, ecs):
    PROPAGATION.begin(refusals=2)
    invoke(sample("create-instance"))
    invoke(sample("start-instance"))
    assert (
        PROPAGATION.refused["RunTask"] == 4
    )  # the server's role twice, the role that fetches twice
    assert len(ecs.tasks()) == 1
    (run,) = world.items("runs")
    assert run["kind"] == "play"
