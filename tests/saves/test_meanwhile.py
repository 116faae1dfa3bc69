"""What is asked for while a file task ends is not lost."""

from __future__ import annotations

import pytest

from tests.aws_calls import AWS
from tests.saves.conftest import USER, instance
from tests.saves.played import notices

pytestmark = pytest.mark.slow


def test_credentials_that_failed_while_a_save_was_under_way(
    evening, invoke, ecs, files, freezer, meanwhile
):
    saver = evening()
    ecs.comes_up(saver)
    with meanwhile("RegisterTaskDefinition", mode="before"):
        assert not invoke("change-credentials", userId=USER, foundryAdminKey="another-key")[
            "success"
        ]
    assert "renews" in instance()
    files.carry_out(saver)
    ecs.ends(saver)
    for _ in range(3):
        freezer.tick(301)
        invoke("auto-shutdown-check", userId="system")
    assert "renews" not in instance()
    assert invoke("start-instance", userId=USER)["success"]


def test_a_start_at_the_very_moment_a_save_ends(evening, invoke, ecs, files, freezer, meanwhile):
    saver = evening()
    ecs.comes_up(saver)
    freezer.tick(30)
    files.carry_out(saver)
    said = []

    def start():
        said.append(invoke("start-instance", userId=USER))

    with meanwhile("TransactWriteItems", start):
        ecs.ends(saver)
    for _ in range(3):
        freezer.tick(301)
        invoke("auto-shutdown-check", userId="system")
    assert said[0]["success"]
    assert instance()["status"] == "starting", instance()


def test_what_is_to_be_renewed_first_is_not_asked_for_again_and_again(
    left_alone, invoke, ecs, files, erased, meanwhile, sixty_days
):
    sixty_days()
    invoke("start-instance", userId=USER)
    with meanwhile("RegisterTaskDefinition", mode="before"):
        assert not invoke("change-credentials", userId=USER, foundryAdminKey="another-key")[
            "success"
        ]
    AWS.begin()
    erased()
    assert len(AWS.calls) < 100, "it is not asked for again and again"


def test_a_save_that_was_asked_for_and_failed_before_a_start_is_told_of(
    evening, save, invoke, ecs, files
):
    save(evening())
    invoke("save-now", userId=USER, label="before")
    (task,) = ecs.tasks()
    ecs.comes_up(task)
    invoke("start-instance", userId=USER)
    files.fail(task, "unreachable")
    ecs.ends(task, exit_code=1)
    assert instance()["status"] == "starting"
    assert len(notices("save-failed")) == 1
