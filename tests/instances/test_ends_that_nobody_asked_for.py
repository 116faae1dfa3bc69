"""A server that ends of itself: its member is told the cause in words, once, and never AWS's own text."""

from __future__ import annotations

import pytest

from tests.aws_calls import AWS
from tests.world import sample

pytestmark = pytest.mark.slow

USER = sample("create-instance")["userId"]

# What ECS says (Amazon ECS, Stopped tasks error messages), and a word that the member reads instead.
SAID = {
    "CannotPullContainerError: pull image manifest has been retried 7 time(s): failed to resolve ref"
    " 123456789012.dkr.ecr.us-east-1.amazonaws.com/foundry:13": "image",
    "ResourceInitializationError: unable to pull secrets or registry auth: execution resource retrieval failed:"
    " unable to retrieve secret from asm: AccessDeniedException: User: arn:aws:sts::123456789012:assumed-role/x"
    " is not authorized": "secrets",
    "Capacity is unavailable at this time. Please try again later or in a different availability zone": "machine",
    "Timeout waiting for network interface provisioning to complete.": "machine",
    "Your Spot Task was interrupted. SpotInterruption": "machine away",
    "ECS is performing maintenance on the underlying infrastructure hosting the task.": "machine away",
    "Task was stopped by UserInitiated": "by hand",
    "Essential container in task exited": "by itself",
    "": "by itself",
}


@pytest.fixture
def running(invoke, ecs, freezer, once):
    freezer.move_to("2026-11-21T20:00:00Z")
    once(lambda: invoke(sample("create-instance")))
    invoke(sample("start-instance"))
    task = ecs.only_task()
    ecs.comes_up(task)
    AWS.queue.clear()  # of the notice that it is ready
    freezer.tick(600)
    return task


def told():
    return [order for order in AWS.queue if order["action"] == "send-notification"]


@pytest.mark.parametrize(("said", "word"), SAID.items())
def test_the_member_reads_why_in_words_and_nothing_of_aws(running, invoke, ecs, said, word):
    ecs.ends(running, exit_code=1, reason=said)
    (notice,) = told()
    shown = notice["message"] + invoke("status", userId=USER)["message"]
    assert shown.count(word) == 2
    assert not [text for text in ("arn:", "123456789012", "Error", "Exception") if text in shown]
    assert notice["kind"] == "crashed"
    assert "start it again" in notice["message"]


def test_what_ecs_says_of_a_container_counts_too(running, invoke, ecs):
    event = ecs.ended(running, exit_code=137, reason="Essential container in task exited")
    event["detail"]["containers"][0]["reason"] = "CannotPullContainerError: pull access denied"
    invoke(event)
    assert "image" in invoke("status", userId=USER)["message"]


def test_an_end_that_is_told_of_twice_is_one_notice(running, invoke, ecs, discord, freezer):
    event = ecs.ended(running, exit_code=1)
    for _ in range(2):
        invoke(event)
    freezer.tick(300)
    invoke(sample("auto-shutdown-check"))
    for order in told():
        invoke(order)
        invoke(order)
    assert len(discord.posted) == 1


def test_a_start_that_comes_to_nothing_is_told(invoke, ecs, freezer):
    freezer.move_to("2026-11-21T20:00:00Z")
    invoke(sample("create-instance"))
    invoke(sample("start-instance"))
    ecs.ends(ecs.only_task(), reason="ResourceInitializationError: failed to invoke EFS utils")
    (notice,) = told()
    assert notice["kind"] == "start-failed"
    assert "did not start" in notice["message"]
    assert invoke("shutdown-stats", userId="admin")["byCause"] == {"failure": 1}


def test_a_stop_that_was_asked_for_is_no_crash(running, invoke, ecs):
    invoke(sample("stop-instance"))
    ecs.ends(running, exit_code=0)
    assert told() == []


@pytest.mark.parametrize("by_tick", [False, True])
def test_a_task_on_its_way_down_is_shown_as_stopping(running, invoke, ecs, freezer, by_tick):
    reason = "ECS is performing maintenance on the underlying infrastructure hosting the task."
    event = ecs.becomes(running, "DEACTIVATING", stopped_reason=reason)
    if by_tick:
        freezer.tick(300)
        invoke(sample("auto-shutdown-check"))
    else:
        invoke(event)
    assert invoke("status", userId=USER)["status"] == "stopping"
    ecs.ends(running, exit_code=143)
    (notice,) = told()
    assert "machine away" in notice["message"]
