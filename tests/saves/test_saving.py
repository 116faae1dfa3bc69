"""Servers are saved after each stop; a start comes first."""

from __future__ import annotations

import pytest

from tests import world
from tests.file_tasks import is_file_task
from tests.recount import disagreements
from tests.saves.conftest import USER, access_point, instance
from tests.saves.played import notices, saves, status

pytestmark = pytest.mark.slow

DAY = 86400


def test_a_server_is_saved_after_it_has_stopped(evening, save, files, invoke, ecs):
    report = save(evening())
    (found,) = saves()
    assert (found["kind"], found["snapshot"]) == ("after-stop", report["snapshot"])
    assert files.saved[found["repository"]] == {report["snapshot"]: files.content[access_point()]}
    assert ecs.tasks() == []
    assert instance()["status"] == "stopped"
    assert not {"due", "work", "runId", "worker"} & instance().keys()
    assert disagreements(world.items) == {}


def test_a_save_is_on_the_bill(evening, save, invoke):
    save(evening())
    (run,) = (run for run in world.items("runs") if run["kind"] == "save")
    assert run["seconds"] == 40
    assert run["cost"] > 0
    costs = invoke("get-user-costs", userId=USER)
    assert costs["success"]


def test_the_task_gets_no_password_but_by_its_secret(evening, files):
    task = evening()
    assert "PASSWORD" not in "".join(files.place(task))
    (password,) = files.secrets(task)
    assert password["name"] == "RESTIC_PASSWORD"
    assert password["valueFrom"].endswith(":savesPassword::")


def test_the_next_save_uses_the_same_definition_and_password(evening, save, files):
    first = evening()
    save(first)
    definition = instance()["filesDefinition"]
    second = evening()
    assert instance()["filesDefinition"] == definition
    assert files.secrets(first) == files.secrets(second)


def test_a_start_ends_a_save_and_follows_by_itself(evening, invoke, ecs):
    saver = evening()
    ecs.comes_up(saver)
    answer = invoke("start-instance", userId=USER)
    assert answer["success"]
    assert answer["status"] == "starting"
    assert status(invoke)["status"] == "starting"
    assert ecs.tasks() == [], "never two tasks on one data directory"
    ecs.ends(saver, exit_code=143)
    (task,) = ecs.tasks()
    ecs.comes_up(task)
    assert status(invoke)["status"] == "running"
    assert saves() == []
    assert disagreements(world.items) == {}


def test_a_start_while_its_save_is_being_begun_follows_by_itself(evening, invoke, ecs, meanwhile):
    answers = []
    start = {"action": "start-instance", "userId": USER}
    with meanwhile("CreateRole", lambda: answers.append(invoke(start))):
        evening()
    (saver,) = filter(is_file_task, ecs.tasks("STOPPED"))
    (answer,) = answers
    assert answer["status"] == "starting", answer
    ecs.ends(saver, exit_code=143)
    (task,) = ecs.tasks()
    ecs.comes_up(task)
    assert status(invoke)["status"] == "running"
    assert saves() == []


def test_a_start_that_waits_is_taken_back_by_a_stop(evening, invoke, ecs, freezer, save):
    saver = evening()
    ecs.comes_up(saver)
    invoke("start-instance", userId=USER)
    assert invoke("stop-instance", userId=USER)["status"] == "stopped"
    ecs.ends(saver, exit_code=143)
    assert status(invoke)["status"] == "stopped"
    freezer.tick(301)
    invoke("auto-shutdown-check", userId="system")
    for task in ecs.tasks():
        save(task)
    assert len(saves()) == 1, "it is saved all the same"
    assert notices("save-failed") == []


def test_what_was_not_saved_before_a_start_is_saved_after_the_next_stop(
    evening, invoke, ecs, save, files
):
    saver = evening()
    invoke("start-instance", userId=USER)
    ecs.ends(saver, exit_code=143)
    (task,) = ecs.tasks()
    ecs.comes_up(task)
    invoke("stop-instance", userId=USER)
    ecs.ends(task)
    (saver,) = ecs.tasks()
    save(saver)
    assert len(saves()) == 1


def test_a_save_that_failed_is_told_and_tried_again(evening, invoke, ecs, files, freezer, save):
    saver = evening()
    ecs.comes_up(saver)
    files.fail(saver, "unreachable")
    ecs.ends(saver, exit_code=1)
    assert "could not be reached" in "".join(n["message"] for n in notices())
    assert ecs.tasks() == []
    freezer.tick(301)
    invoke("auto-shutdown-check", userId="system")
    (saver,) = ecs.tasks()
    save(saver)
    assert len(saves()) == 1
    assert len(notices("save-failed")) == 1


def test_a_member_is_told_how_programs_that_save_are_installed_where_there_are_none(evening, ecs):
    ecs.ends(evening(), exit_code=127)
    (notice,) = notices("save-failed")
    assert "`apt-get install restic rclone`" in notice["message"]


def test_a_save_whose_task_was_killed_is_made_again(evening, invoke, ecs, freezer, save):
    saver = evening()
    ecs.comes_up(saver)
    ecs.ends(saver, exit_code=137)
    freezer.tick(301)
    invoke("auto-shutdown-check", userId="system")
    (saver,) = ecs.tasks()
    save(saver)
    assert len(saves()) == 1


def test_a_save_counts_though_its_task_was_killed_afterwards(evening, ecs, files):
    saver = evening()
    ecs.comes_up(saver)
    files.carry_out(saver)
    ecs.ends(saver, exit_code=137)
    assert len(saves()) == 1
    assert "work" not in instance()


def test_a_save_is_made_when_asked_for_and_has_a_name(evening, save, invoke, ecs):
    save(evening())
    answer = invoke("save-now", userId=USER, label="Before the dragon")
    assert answer["success"]
    (saver,) = ecs.tasks()
    save(saver)
    listed = invoke("list-saves", userId=USER)["saves"]
    assert [s["kind"] for s in listed] == ["asked-for", "after-stop"]
    assert listed[0]["label"] == "Before the dragon"


def test_a_wish_that_is_given_up_leaves_the_save_after_the_stop_to_be_made(
    evening, invoke, ecs, files, freezer, save
):
    saver = evening()
    ecs.comes_up(saver)
    invoke("save-now", userId=USER)
    for _ in range(2):
        files.fail(saver, "unreachable")
        ecs.ends(saver, exit_code=1)
        freezer.tick(301)
        invoke("auto-shutdown-check", userId="system")
        (saver,) = ecs.tasks()
        ecs.comes_up(saver)
    files.carry_out(saver)
    ecs.ends(saver)
    (made,) = saves()
    assert made["kind"] == "after-stop"


def test_a_start_waits_for_a_save_that_was_asked_for(evening, save, invoke, ecs):
    save(evening())
    invoke("save-now", userId=USER)
    (saver,) = ecs.tasks()
    assert invoke("start-instance", userId=USER)["status"] == "starting"
    assert ecs.tasks() == [saver]
    save(saver)
    assert len(saves()) == 2
    (task,) = ecs.tasks()
    ecs.comes_up(task)
    assert status(invoke)["status"] == "running"


def test_files_are_put_back_after_a_save_of_what_there_was(evening, save, invoke, ecs, files):
    save(evening())
    good = files.content[access_point()]
    (first,) = saves()
    save(evening())
    bad = files.content[access_point()]
    assert invoke("restore-save", userId=USER, saveId=first["saveId"])["success"]
    (saver,) = ecs.tasks()
    refused = invoke("start-instance", userId=USER)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    report = save(saver)
    assert files.saved[first["repository"]][report["snapshot"]] == bad
    (restorer,) = ecs.tasks()
    save(restorer)
    assert files.content[access_point()] == good
    assert [s["kind"] for s in saves()] == ["after-stop", "after-stop", "before-restore"]
    assert "work" not in instance()
    assert invoke("start-instance", userId=USER)["success"]


def test_each_week_another_part_of_all_saves_is_checked_and_after_the_last_the_first(
    evening, save, freezer
):
    assert save(evening())["checked"] is None
    parts = []
    for _ in range(9):
        parts.append(save(evening())["checked"]["part"])
        freezer.tick(6 * DAY)
        assert save(evening())["checked"] is None, "within the week"
        freezer.tick(DAY)
    assert parts == [*(f"{n}/8" for n in range(1, 9)), "1/8"]


def test_a_save_may_take_an_hour_while_the_tick_looks_at_it(evening, save, invoke, ecs, freezer):
    saver = evening()
    ecs.comes_up(saver)
    for _ in range(12):
        freezer.tick(300)
        assert invoke("auto-shutdown-check", userId="system")["failures"] == 0
        assert ecs.tasks() == [saver], "it was asked to stop"
    save(saver)
    assert len(saves()) == 1


def test_a_member_may_ask_for_so_many_saves_a_day_and_what_is_refused_is_not_begun(
    evening, save, invoke, ecs, freezer, monkeypatch
):
    monkeypatch.setenv("DAILY_USES", "40,5,100,1")
    world.new_process()
    save(evening())
    assert invoke("save-now", userId=USER)["success"]
    save(ecs.only_task())
    assert invoke("save-now", userId=USER)["errorCode"] == "RATE_LIMITED"
    assert ecs.tasks() == []
    assert "work" not in instance()
    freezer.tick(DAY)
    assert invoke("save-now", userId=USER)["success"]
