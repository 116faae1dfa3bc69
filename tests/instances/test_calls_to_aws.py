"""What the actions ask of AWS: few calls, independent ones side by side, and never the same again and again."""

from __future__ import annotations

import pytest

from tests.aws_calls import AWS
from tests.chains import longest_chain
from tests.world import sample


@pytest.fixture
def asked(invoke):
    """The calls that an event leads to, in the order in which they began."""

    def calls_of(event):
        AWS.begin()
        answer = invoke(event)
        AWS.end()
        assert answer["success"]
        return [call.name for call in AWS.calls]

    return calls_of


@pytest.fixture
def stopped(invoke, ecs, once):
    def live():
        invoke(sample("create-instance"))
        invoke(sample("start-instance"))
        task = ecs.only_task()
        ecs.comes_up(task)
        invoke(sample("stop-instance"))
        ecs.ends(task)

    once(live)


KEY = "secretsmanager.GetSecretValue"  # from which the code of the table's link derives; read once in five minutes


def test_status_at_rest_is_one_read_and_nothing_else(stopped, asked):
    assert asked(sample("status")) == ["dynamodb.GetItem", KEY]
    assert asked(sample("status")) == ["dynamodb.GetItem"]


def test_status_before_the_first_start_is_one_read_and_nothing_else(invoke, asked):
    invoke(sample("create-instance"))
    assert asked(sample("status")) == ["dynamodb.GetItem", KEY]
    assert asked(sample("status")) == ["dynamodb.GetItem"]


def test_status_while_passing_also_looks_at_the_task(invoke, ecs, asked):
    invoke(sample("create-instance"))
    invoke(sample("start-instance"))
    assert asked(sample("status")) == ["dynamodb.GetItem", "ecs.DescribeTasks", KEY]
    assert asked(sample("status")) == ["dynamodb.GetItem", "ecs.DescribeTasks"]


@pytest.fixture
def known_build(invoke, ecs, foundry, freezer):
    """A server at rest whose definition names the build that has run on it."""
    freezer.move_to("2026-03-01T20:00:00Z")
    invoke(sample("create-instance"))
    foundry.says["ada.play.example"] = {"active": False, "version": "13.351"}
    for _ in range(2):
        invoke(sample("start-instance"))
        task = ecs.only_task()
        ecs.comes_up(task)
        freezer.tick(300)
        invoke(sample("auto-shutdown-check"))
        invoke(sample("stop-instance"))
        ecs.ends(task)


def test_a_start_takes_six_calls_at_most_and_waits_for_no_task(known_build, asked):
    calls = asked(sample("start-instance"))
    assert len(calls) <= 6
    assert calls.count("ecs.RunTask") == 1
    assert "ecs.DescribeTasks" not in calls


def test_a_start_whose_build_is_not_known_yet_claims_its_fetching_with_one_call_more(
    stopped, asked
):
    assert len(asked(sample("start-instance"))) <= 7


def test_a_create_has_eight_calls_in_a_chain_at_most(asked):
    # Six of them make the bucket: S3 takes one setting of a bucket after the other.
    asked(sample("create-instance"))
    assert len(longest_chain(AWS.spans)) <= 8


def test_a_destroy_has_eight_calls_in_a_chain_at_most_and_so_has_its_end(stopped, asked, ecs):
    asked(sample("destroy-instance"))
    assert len(longest_chain(AWS.spans)) <= 8
    asked(ecs.ended(ecs.only_task()))
    assert len(longest_chain(AWS.spans)) <= 8


def test_a_stop_answers_without_asking_ecs(invoke, ecs, asked):
    invoke(sample("create-instance"))
    invoke(sample("start-instance"))
    ecs.comes_up(ecs.only_task())
    assert not [call for call in asked(sample("stop-instance")) if call.startswith("ecs.")]


def test_the_health_checks_go_side_by_side(asked):
    assert len(asked(sample("health-check"))) == 5
    assert len(longest_chain(AWS.spans)) == 1


def test_a_tick_with_nothing_due_reads_six_indexes(stopped, asked):
    # Due servers, due functions, strays, ends of which something follows, what is left of destroyed
    # servers, and licences that are taken back.
    assert asked(sample("auto-shutdown-check")) == ["dynamodb.Query"] * 6
