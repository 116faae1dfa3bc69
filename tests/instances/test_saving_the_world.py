"""Before a task is stopped, Foundry is asked to shut its world."""

from __future__ import annotations

import pytest

from tests.aws_calls import AWS
from tests.world import sample

HOST = "ada.play.example"


@pytest.fixture
def stopping(invoke, ecs, foundry):
    invoke(sample("create-instance"))
    invoke(sample("start-instance"))
    ecs.comes_up(ecs.only_task())
    foundry.asked.clear()
    invoke(sample("stop-instance"))
    return AWS.queue.pop()


def test_foundry_is_asked_as_an_admin_before_the_task_is_stopped(stopping, invoke, ecs, foundry):
    foundry.admin_key = sample("create-instance")["foundryAdminKey"]
    invoke(stopping)
    assert foundry.asked == [(HOST, "POST /auth"), (HOST, "POST /setup")]
    assert ecs.tasks() == []


def test_a_server_that_refuses_the_key_is_stopped_all_the_same(stopping, invoke, ecs, foundry):
    foundry.admin_key = "changed within Foundry"
    invoke(stopping)
    assert foundry.asked == [(HOST, "POST /auth")]
    assert ecs.tasks() == []


def test_a_server_that_does_not_answer_is_stopped_all_the_same(stopping, invoke, ecs, monkeypatch):
    from tests import world

    monkeypatch.setenv("LOAD_BALANCER_DNS", "127.0.0.1:1")
    world.new_process()
    invoke(stopping)
    assert ecs.tasks() == []
