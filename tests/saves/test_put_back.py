"""What was put back, or is away, is never given up for what is older or for nothing."""

from __future__ import annotations

import pytest

from tests import world
from tests.saves.conftest import USER, access_point, instance
from tests.saves.played import come_back, finish, notices, own_saves, saves

pytestmark = pytest.mark.slow


def test_destroyed_while_its_files_are_erased_for_sleep(left_alone, invoke, ecs, files, sixty_days):
    before = files.content[access_point()]
    sixty_days()
    assert invoke("destroy-instance", userId=USER)["success"]
    finish(ecs, files)
    assert world.items("instances") == []
    assert come_back(invoke)["success"]
    finish(ecs, files)
    assert files.content[access_point()] == before


def test_restored_then_destroyed(evening, save, invoke, ecs, files, freezer):
    save(evening())
    (first,) = saves()
    wanted = files.content[access_point()]
    save(evening())
    assert invoke("restore-save", userId=USER, saveId=first["saveId"])["success"]
    for _ in range(2):
        (task,) = ecs.tasks()
        save(task)
    assert files.content[access_point()] == wanted
    freezer.tick(60)
    invoke("destroy-instance", userId=USER)
    finish(ecs, files)
    assert world.items("instances") == []
    come_back(invoke)
    finish(ecs, files)
    assert files.content[access_point()] == wanted


def test_restored_then_asleep(dormant, evening, save, invoke, ecs, files, erased, sixty_days):
    save(evening())
    (first,) = saves()
    wanted = files.content[access_point()]
    save(evening())
    assert invoke("restore-save", userId=USER, saveId=first["saveId"])["success"]
    for _ in range(2):
        (task,) = ecs.tasks()
        save(task)
    sixty_days()
    finish(ecs, files)
    assert "asleep" in instance()
    invoke("start-instance", userId=USER)
    (task,) = ecs.tasks()
    save(task)
    assert files.content[access_point()] == wanted


def test_a_sleeper_whose_save_is_gone_is_not_woken_for_ever(asleep, invoke, ecs, files):
    invoke("start-instance", userId=USER)
    for _ in range(6):
        if not ecs.tasks():
            break
        (task,) = ecs.tasks()
        ecs.comes_up(task)
        if not files.is_file_task(task):
            break
        files.fail(task, "no-such-save")
        ecs.ends(task, exit_code=1)
    assert len(notices("restore-failed")) == 1


def test_what_could_not_come_back_can_be_put_back(
    evening, save, invoke, ecs, files, freezer, two_tries_fail
):
    save(evening())
    freezer.tick(60)
    invoke("destroy-instance", userId=USER)
    finish(ecs, files)
    come_back(invoke)
    two_tries_fail()
    assert "work" not in instance()
    (left,) = own_saves()
    answer = invoke("restore-save", userId=USER, saveId=left["saveId"])
    assert answer["success"], answer


def test_destroyed_while_a_save_is_put_back(evening, save, invoke, ecs, files, freezer):
    save(evening())
    (first,) = saves()
    save(evening())
    before = files.content[access_point()]
    invoke("restore-save", userId=USER, saveId=first["saveId"])
    (task,) = ecs.tasks()
    save(task)
    (restorer,) = ecs.tasks()
    ecs.comes_up(restorer)
    assert "keptUntil" in invoke("destroy-instance", userId=USER)
    ecs.ends(restorer, exit_code=137)
    (purge,) = ecs.tasks()
    assert not files.is_file_task(purge)
    finish(ecs, files)
    assert world.items("instances") == []
    come_back(invoke)
    finish(ecs, files)
    assert files.content[access_point()] == before


def test_another_save_is_put_back_for_one_asleep(
    dormant, evening, save, invoke, ecs, files, sixty_days
):
    save(evening())
    (first,) = saves()
    wanted = files.content[access_point()]
    save(evening())
    sixty_days()
    finish(ecs, files)
    assert "asleep" in instance()
    assert invoke("restore-save", userId=USER, saveId=first["saveId"])["success"]
    (restorer,) = ecs.tasks()
    assert files.order(restorer)["do"] == "restore"
    save(restorer)
    assert files.content[access_point()] == wanted
    assert "asleep" not in instance()
    invoke("destroy-instance", userId=USER)
    finish(ecs, files)
    come_back(invoke)
    finish(ecs, files)
    assert files.content[access_point()] == wanted


def test_undone_and_then_destroyed(evening, save, invoke, ecs, files, freezer):
    save(evening())
    wanted = files.content[access_point()]
    invoke("update-version", userId=USER, foundryVersion="14")
    (task,) = ecs.tasks()
    save(task)
    save(evening())
    invoke("undo-update", userId=USER)
    for _ in range(2):
        (task,) = ecs.tasks()
        save(task)
    freezer.tick(5)
    invoke("destroy-instance", userId=USER)
    finish(ecs, files)
    come_back(invoke)
    finish(ecs, files)
    assert files.content[access_point()] == wanted
    assert instance()["foundryVersion"] == "13"


def test_a_server_that_comes_back_gets_no_other_version_before_its_files(
    evening, save, invoke, ecs, files, freezer
):
    save(evening())
    freezer.tick(60)
    invoke("destroy-instance", userId=USER)
    finish(ecs, files)
    come_back(invoke)
    answer = invoke("update-version", userId=USER, foundryVersion="14")
    assert answer["errorCode"] == "RESOURCE_CONFLICT"
