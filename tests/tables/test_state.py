"""What the page is told every three seconds, and what that costs."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actions.tables.coming_up import is_worth_a_look, state_of
from services.instances import InstanceStatus, Phase
from tests import world
from tests.aws_calls import AWS
from tests.foundry_server import NO_WORLD
from tests.tables.visiting import HOST, NO_BROWSER, state, visit, wake

pytestmark = pytest.mark.slow


def asked():
    """What was asked of AWS."""
    return [call.name for call in AWS.calls]


def test_the_state_of_a_table_at_rest_costs_one_read(code):
    state()
    AWS.begin()
    assert state() == {"status": "created", "phase": "asleep", "about": None}
    assert asked() == ["dynamodb.GetItem"]
    AWS.end()


def test_a_process_learns_once_whose_a_host_is(code):
    world.new_process()
    AWS.begin()
    state()
    assert asked() == ["dynamodb.GetItem"] * 2
    state()
    assert asked() == ["dynamodb.GetItem"] * 3
    AWS.end()


def test_the_state_is_json_that_nobody_keeps(code):
    answer = visit("/_state", headers=NO_BROWSER)
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"


def test_each_phase_is_seen_until_the_way_in_is_open(invoke, ecs, foundry, freezer, ada, code):
    foundry.says[HOST] = None
    assert wake(code).status == 303
    task = ecs.only_task()
    seen = [state()["phase"]]
    pulling = {"created_at": now(), "pull_started_at": now()}
    ecs.becomes(task, "PENDING", **pulling)
    freezer.tick(4)
    seen.append(state()["phase"])
    ecs.comes_up(task)
    freezer.tick(4)
    seen.append(state()["phase"])
    del foundry.says[HOST]
    freezer.tick(4)
    ready = state()
    seen.append(ready["phase"])
    assert seen == ["machine", "image", "foundry", "ready"]
    assert ready["status"] == "running"
    assert invoke("status", userId=ada)["status"] == "running"


def now():
    """The frozen moment, with its zone."""
    return datetime.now(UTC)


@pytest.mark.parametrize(("unsigned", "phase"), [(False, "setup"), (True, "signature")])
def test_what_waits_for_its_owner_says_for_what(ecs, foundry, freezer, code, unsigned, phase):
    foundry.says[HOST] = NO_WORLD
    if unsigned:
        foundry.unsigned.add(HOST)
    wake(code)
    ecs.comes_up(ecs.only_task())
    freezer.tick(4)
    assert (state()["phase"], state()["status"]) == (phase, "running")


def test_however_many_look_there_is_one_look_in_three_seconds(ecs, foundry, freezer, code):
    foundry.says[HOST] = None
    wake(code)
    freezer.tick(4)
    AWS.begin()
    for _ in range(20):
        state()
    looks = [name for name in asked() if name.startswith("ecs.")]
    reads = [name for name in asked() if name == "dynamodb.GetItem"]
    AWS.end()
    assert len(looks) == 1
    assert len(reads) <= 20 + 3


def test_it_says_in_how_many_seconds_as_the_last_start_took(
    invoke, ecs, foundry, freezer, ada, code
):
    wake(code)
    task = ecs.only_task()
    freezer.tick(70)
    ecs.comes_up(task)
    freezer.tick(4)
    assert state()["phase"] == "ready"
    assert invoke("stop-instance", userId=ada)["success"]
    ecs.ends(task)
    assert state()["about"] == 70
    wake(code)
    foundry.says[HOST] = None
    freezer.tick(30)
    assert state()["about"] == 40
    freezer.tick(60)
    assert state()["about"] == 0, "any moment now"


@given(
    status=st.sampled_from([*InstanceStatus]),
    phase=st.none() | st.sampled_from([*Phase]),
    arrival=st.none() | st.dictionaries(st.sampled_from([*Phase]), st.integers(0, 2000)),
    looked=st.none() | st.integers(0, 2_000_000_000),
)
def test_any_instance_has_a_state(status, phase, arrival, looked):
    known = (("phase", phase), ("lastArrival", arrival), ("lookedAt", looked))
    instance: Any = {"status": status, "lastStarted": 0}
    instance |= {name: value for name, value in known if value is not None}
    found = state_of(instance)
    assert found["phase"] in {"asleep", *Phase}
    is_up = status in ("starting", "running")
    assert (found["phase"] == "asleep") == (not is_up)
    assert found["about"] is None or found["about"] >= 0
    assert is_up or not is_worth_a_look(instance)
