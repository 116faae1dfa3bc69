"""How much memory a server has: chosen by its member, billed by its run."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests import world
from tests.aws_calls import AWS, BEFORE, Call
from tests.model import emulated
from tests.world import sample

pytestmark = pytest.mark.slow

USER = sample("create-instance")["userId"]


@pytest.fixture
def made(invoke, freezer, once):
    freezer.move_to("2026-11-21T20:00:00Z")
    once(lambda: invoke(sample("create-instance")))


def started(invoke):
    """What RunTask was asked for, and the run."""
    AWS.begin()
    assert invoke(sample("start-instance"))["success"]
    AWS.end()
    asked = AWS.requests("ecs.RunTask")[-1]  # the one before fetched the release
    (run,) = (run for run in world.items("runs") if "stoppedAt" not in run)
    return asked["overrides"], run


def test_a_server_starts_with_the_operators_size_unless_another_is_chosen(made, invoke):
    overrides, run = started(invoke)
    assert "memory" not in overrides
    assert (run["cpu"], run["memory"], run["rate"]) == (1024, 2048, Decimal("0.0445"))


def test_a_chosen_size_is_asked_of_ecs_and_billed(made, invoke, ecs):
    answer = invoke(sample("set-size"))
    assert (answer["memory"], answer["cpu"], answer["perHour"]) == (4096, 1024, 0.0516)
    overrides, run = started(invoke)
    assert (overrides["cpu"], overrides["memory"]) == ("1024", "4096")
    assert overrides["containerOverrides"] == [{"name": "foundry", "memory": 4096 - 128}]
    assert (run["cpu"], run["memory"]) == (1024, 4096)
    assert run["rate"] == Decimal("0.03238") + 4 * Decimal("0.00356") + Decimal("0.005")
    (task,) = emulated.tasks(world.STACK)
    assert task.memory == "4096"
    assert invoke("status", userId=USER)["memory"] == 4096


def test_what_runs_goes_on_as_it_is(made, invoke, ecs, freezer):
    _, before = started(invoke)
    ecs.comes_up(ecs.only_task())
    invoke(sample("set-size"))
    freezer.tick(3600)
    invoke(sample("stop-instance"))
    ecs.ends(ecs.tasks()[0])
    (run,) = world.items("runs")
    assert (run["memory"], run["rate"]) == (2048, before["rate"])
    overrides, _ = started(invoke)
    assert overrides["memory"] == "4096"


def test_a_start_that_is_resumed_asks_for_the_size_it_was_decided_with(made, invoke):
    AWS.begin((Call("ecs.RunTask", 0), BEFORE))
    invoke(sample("start-instance"))
    AWS.end()
    assert AWS.fault_happened
    invoke(sample("set-size"))
    overrides, run = started(invoke)
    assert "memory" not in overrides
    assert run["memory"] == 2048


@pytest.mark.parametrize("memory", [1024, 3072, 16384])
def test_other_sizes_are_refused_and_those_that_there_are_named(made, invoke, memory):
    answer = invoke(sample("set-size", memory=memory))
    assert answer["errorCode"] == "VALIDATION_ERROR"
    assert answer["details"]["suggestion"] == "Send one of these, in MiB: 2048, 4096, 8192."


def test_nobody_without_a_server_has_a_size(made, invoke):
    assert invoke(sample("set-size", userId="somebody"))["errorCode"] == "RESOURCE_NOT_FOUND"


@pytest.mark.parametrize(
    ("largest", "memory", "size"),
    [("4096", 8192, None), ("16384", 16384, ("2048", "16384")), ("1024", 4096, None)],
)
def test_the_operator_bounds_it(made, invoke, monkeypatch, largest, memory, size):
    monkeypatch.setenv("LARGEST_MEMORY", largest)
    world.new_process()
    answer = invoke(sample("set-size", memory=memory))
    assert answer["success"] == (size is not None)
    if size:
        overrides, _ = started(invoke)
        assert (overrides["cpu"], overrides["memory"]) == size


def test_a_size_that_is_allowed_no_more_becomes_the_next_smaller(made, invoke, monkeypatch):
    assert invoke(sample("set-size", memory=8192))["success"]
    monkeypatch.setenv("LARGEST_MEMORY", "4096")
    world.new_process()
    overrides, run = started(invoke)
    assert (overrides["memory"], run["memory"]) == ("4096", 4096)
