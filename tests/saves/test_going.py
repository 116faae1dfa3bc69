"""A server that is destroyed goes in the end, with its files."""

from __future__ import annotations

import pytest

from tests import world
from tests.saves.conftest import USER
from tests.saves.played import come_back, finish, notices, status

pytestmark = pytest.mark.slow


def test_forgotten_while_it_comes_back_leaves_no_files(evening, save, invoke, ecs, files, freezer):
    save(evening())
    freezer.tick(60)
    invoke("destroy-instance", userId=USER)
    finish(ecs, files)
    come_back(invoke)
    (restorer,) = ecs.tasks()
    ecs.comes_up(restorer)
    assert invoke("destroy-instance", userId=USER, forget=True)["success"]
    ecs.ends(restorer, exit_code=143)
    assert ecs.tasks() != [], "the half restored files are erased"


def test_the_last_save_may_take_more_than_an_hour(evening, save, invoke, ecs, files, freezer):
    saver = evening()
    ecs.ends(saver, exit_code=137)
    invoke("destroy-instance", userId=USER)
    (saver,) = ecs.tasks()
    ecs.comes_up(saver)
    for _ in range(14):
        freezer.tick(300)
        invoke("auto-shutdown-check", userId="system")
    assert ecs.tasks() == [saver], "it was asked to stop"


def test_a_last_save_that_fails_is_tried_again_after_a_while_and_told_of_once(
    evening, invoke, ecs, files, freezer
):
    ecs.ends(evening(), exit_code=137)
    invoke("destroy-instance", userId=USER)
    for waits in (300, 600):
        (saver,) = ecs.tasks()
        ecs.ends(saver, exit_code=1)
        freezer.tick(waits - 1)
        invoke("auto-shutdown-check", userId="system")
        assert ecs.tasks() == []
        freezer.tick(1)
        invoke("auto-shutdown-check", userId="system")
    (told,) = (n for n in notices("save-failed") if "not destroyed yet" in n["message"])
    assert "tried again" in told["message"]
    (saver,) = ecs.tasks()
    ecs.comes_up(saver)
    files.carry_out(saver)
    ecs.ends(saver)
    finish(ecs, files)
    assert world.items("instances") == []


@pytest.mark.parametrize("is_purge", [False, True])
def test_a_destroyed_servers_task_that_ecs_has_forgotten(
    evening, save, invoke, ecs, files, freezer, is_purge
):
    saver = evening()
    if is_purge:
        save(saver)
        freezer.tick(3)
    else:
        ecs.ends(saver, exit_code=137)
    invoke("destroy-instance", userId=USER)
    (task,) = ecs.tasks()
    ecs.comes_up(task)
    if not is_purge:
        files.carry_out(task)
    ecs.forgets(task)
    for _ in range(40):
        freezer.tick(301)
        invoke("auto-shutdown-check", userId="system")
        if ecs.tasks():
            finish(ecs, files)
    assert world.items("instances") == []


def test_status_of_what_was_to_start_and_is_destroyed(evening, invoke, ecs):
    saver = evening()
    ecs.comes_up(saver)
    invoke("start-instance", userId=USER)
    invoke("destroy-instance", userId=USER)
    assert status(invoke)["status"] == "unknown"
