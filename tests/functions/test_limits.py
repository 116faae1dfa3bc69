"""What a member may have of functions, and what they may cost."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.functions.errors import first_exceeded
from tests import world
from tests.aws_calls import AWS
from tests.functions.member import ALICE, BOB

pytestmark = pytest.mark.slow

TICK = {"action": "auto-shutdown-check", "userId": "system"}


@pytest.fixture
def allowed(http, monkeypatch):
    """Three functions, five replicas, two vCPUs and four GB for each member."""
    monkeypatch.setenv("FUNCTION_QUOTA", "3,5,2,4")


def used(user="alice"):
    found = [i for i in world.items("functions") if (i["userId"], i["entry"]) == (user, "tenant")]
    return {name: int(found[0][name]) for name in ("functions", "replicas", "cpu", "memory")}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"replicas": 4}, "4 more replicas would be needed, 2 of 5 are used"),
        ({"cpu": 2048, "memory": 4096}, "2 more vCPU would be needed, 0.5 of 2 are used"),
        ({"cpu": 512, "memory": 4096}, "4 more GB of memory would be needed, 1 of 4 are used"),
    ],
)
def test_what_is_beyond_the_quota_is_refused_with_what_is_used_and_allowed(allowed, asked, said):
    ALICE.create("a", replicas=2)
    before = used()
    answer = ALICE.call("POST", body={"name": "b", "image": "nginx", **asked})
    assert answer.status == 403
    assert answer.json["message"].startswith(f"quota exceeded: {said}")
    assert used() == before
    assert ALICE.call("PATCH", "/a", {**asked, "replicas": 6}).status == 403
    assert used() == before
    assert ALICE.get("a")["replicas"] == 2


def test_the_number_of_functions_is_bounded_and_each_members_own(allowed):
    for name in "abc":
        ALICE.create(name, replicas=0)
    refused = ALICE.call("POST", body={"name": "d", "image": "nginx", "replicas": 0})
    assert refused.status == 403
    assert "3 of 3 are used" in refused.json["message"]
    BOB.create("d")
    ALICE.delete("a")
    ALICE.create("d", replicas=0)


def test_what_is_used_is_what_there_is_after_each_change(allowed):
    ALICE.create("a", replicas=2)
    ALICE.create("b", cpu=512, memory=1024)
    assert used() == {"functions": 2, "replicas": 3, "cpu": 1024, "memory": 2048}
    ALICE.change("a", replicas=1)
    ALICE.change("b", cpu=1024, memory=2048)
    assert used() == {"functions": 2, "replicas": 2, "cpu": 1280, "memory": 2560}
    ALICE.delete("b")
    assert used() == {"functions": 1, "replicas": 1, "cpu": 256, "memory": 512}


@settings(max_examples=200)
@given(before=st.integers(0, 100), asked=st.integers(-100, 100), most=st.integers(1, 100))
def test_only_more_than_there_is_room_for_is_refused(before, asked, most):
    refused = first_exceeded({"replicas": before}, {"replicas": asked}, {"replicas": most})
    assert (refused is not None) == (asked > 0 and before + asked > most)


@pytest.fixture
def poor(http, monkeypatch):
    """A budget that one function uses up within a month."""
    monkeypatch.setenv("BUDGET_PER_USER", "1")


def notices():
    return [notice for notice in AWS.queue if notice.get("kind") == "function-stops"]


def test_functions_stop_when_the_budget_is_spent_after_notice_and_go_on_with_the_next_month(
    poor, fargate, invoke, freezer
):
    freezer.move_to("2026-11-02T00:00:00Z")
    ALICE.create(replicas=1)
    fargate.settle()
    freezer.move_to("2026-11-05T12:00:00Z")  # $0.0148 an hour
    assert invoke(TICK)["failures"] == 0
    (told,) = notices()
    assert told["about"] == "alice"
    assert told["message"].startswith("Your function dice stops in 10 minutes.")
    assert ALICE.get()["status"] == "Running"
    freezer.tick(300)
    invoke(TICK)
    assert ALICE.get()["status"] == "Running"
    freezer.tick(301)
    invoke(TICK)
    fargate.settle()
    assert len(notices()) == 1
    found = ALICE.get()
    assert (found["status"], found["replicas"]) == ("Stopped", 1)
    assert found["reason"].startswith("The month's budget is spent")
    assert ALICE.call("POST", body={"name": "b", "image": "nginx"}).status == 409
    assert ALICE.call("POST", "/dice:invoke").status == 409
    freezer.move_to("2026-12-01T00:10:00Z")
    invoke(TICK)
    fargate.settle()
    assert ALICE.get()["status"] == "Running"


def test_who_could_go_on_after_a_notice_has_another_one_before_the_next_stop(
    poor, fargate, invoke, freezer, monkeypatch
):
    freezer.move_to("2026-11-02T00:00:00Z")
    ALICE.create(replicas=1)
    fargate.settle()
    freezer.move_to("2026-11-05T12:00:00Z")
    invoke(TICK)
    monkeypatch.setenv("BUDGET_PER_USER", "2")
    world.new_process()
    freezer.tick(610)
    invoke(TICK)
    assert ALICE.get()["status"] == "Running"
    freezer.move_to("2026-11-09T12:00:00Z")
    invoke(TICK)
    assert len(notices()) == 2
    fargate.settle()
    assert ALICE.get()["status"] == "Running"


def test_a_day_allows_so_many_requests_that_change_or_invoke_functions(
    http, fargate, monkeypatch, freezer
):
    monkeypatch.setenv("DAILY_USES", "10000,10000,10000,3")
    freezer.move_to("2026-12-01T20:00:00Z")
    ALICE.create(replicas=0)
    assert ALICE.call("POST", "/dice:invoke").status == 200
    ALICE.change(image="nginx:2")
    assert ALICE.call("PATCH", "/dice", {"image": "nginx:2"}).status == 200  # which changes nothing
    before = used()
    asked = {"name": "b", "image": "nginx"}
    for method, path, body in (
        ("POST", "", asked),
        ("PATCH", "/dice", {"image": "nginx:3"}),
        ("POST", "/dice:invoke", None),
    ):
        answer = ALICE.call(method, path, body)
        assert (answer.status, answer.headers["retry-after"]) == (429, str(4 * 3600))
    assert used() == before
    BOB.create()
    ALICE.delete()
    freezer.move_to("2026-12-02T00:00:01Z")
    ALICE.create()
