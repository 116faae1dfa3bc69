"""What is decided about a function reaches its member's webhooks, whatever fails on the way."""

from __future__ import annotations

import pytest

from tests.aws_calls import AWS, BEFORE, Call
from tests.functions.member import Member
from tests.webhooks.conftest import ADA, registered
from tests.world import sample

pytestmark = pytest.mark.slow

MEMBER = Member(ADA)
TICK = sample("auto-shutdown-check")


@pytest.fixture
def told(http, fargate, invoke, queue, hook):
    """What the webhook was posted, when the queue is empty."""
    registered(invoke, hook.url)

    def carried():
        while queue.carry() is not None:
            pass
        return [(posted.json["type"], posted.json["data"]) for posted in hook.posted]

    return carried


def test_a_functions_whole_life_is_told_in_the_words_of_the_contract(
    told, fargate, invoke, freezer
):
    made = MEMBER.create("dice", replicas=1)
    assert MEMBER.call("POST", "/dice:invoke").status == 200
    MEMBER.change("dice", replicas=2)
    MEMBER.delete("dice")
    fargate.settle()
    freezer.tick(120)
    invoke(TICK)
    found = told()
    assert sorted(kind for kind, _ in found) == [
        "function.created",
        "function.deleted",
        "function.invoked",
        "function.updated",
    ]
    data = dict(found)
    assert data["function.created"] | {"status": None} == {
        name: value
        for name, value in (made | {"status": None}).items()
        if name not in ("command", "env")
    }
    assert data["function.updated"]["replicas"] == 2
    assert data["function.invoked"]["job_name"].startswith("dice-invoke-")


@pytest.mark.parametrize("does", ["create", "update", "delete", "invoke"])
def test_what_could_not_be_told_at_once_is_told_by_the_tick(
    told, fargate, invoke, freezer, does, monkeypatch
):
    kinds = {
        name: f"function.{name.rstrip('e')}ed" for name in ("create", "update", "delete", "invoke")
    }
    if does != "create":
        MEMBER.create("dice")
        fargate.settle()
    told()
    AWS.begin((Call("sqs.SendMessage", 0), BEFORE))
    act = {
        "create": lambda: MEMBER.create("dice"),
        "update": lambda: MEMBER.change("dice", replicas=2),
        "delete": lambda: MEMBER.delete("dice"),
        "invoke": lambda: MEMBER.call("POST", "/dice:invoke"),
    }
    act[does]()
    assert AWS.fault_happened
    AWS.end()
    for _ in range(4):
        freezer.tick(300)
        fargate.settle()
        invoke(TICK)
    assert [kind for kind, _ in told()].count(kinds[does]) == 1
