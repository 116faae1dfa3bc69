"""What is to be saved is saved in the end, whatever comes between; nothing is left of what was begun."""

from __future__ import annotations

import pytest

from services import clock
from tests import world
from tests.aws_calls import DIES_AFTER, ProcessDied
from tests.lagging.lag import LAG
from tests.lagging.strictness import refusal
from tests.model import emulated
from tests.model.interrupting import REFUSED
from tests.recount import disagreements
from tests.saves.conftest import USER, access_point, instance
from tests.saves.played import notices, saves, status

pytestmark = pytest.mark.slow

LEAD_SECONDS = 7200


def test_a_server_is_saved_though_nobody_noticed_that_it_ran(evening, save, invoke, ecs, files):
    save(evening())
    invoke("start-instance", userId=USER)
    (task,) = ecs.tasks()
    ecs.up(task)
    files.played(access_point())
    ecs.ends(task, exit_code=1)
    (saver,) = ecs.tasks()
    save(saver)
    assert len(saves()) == 2


def test_a_server_whose_task_never_ran_is_not_saved(evening, save, invoke, ecs):
    save(evening())
    invoke("start-instance", userId=USER)
    (task,) = ecs.tasks()
    ecs.ends(task, exit_code=1, reason="CannotPullContainerError")
    assert ecs.tasks() == []


def test_what_a_start_came_before_is_saved_though_that_start_failed(
    evening, save, invoke, ecs, freezer, meanwhile
):
    saver = evening()
    ecs.ends(saver, exit_code=137)
    with meanwhile("RunTask", mode=REFUSED):
        assert not invoke("start-instance", userId=USER)["success"]
    freezer.tick(1)
    invoke("auto-shutdown-check", userId="system")
    (saver,) = ecs.tasks()
    save(saver)
    assert len(saves()) == 1
    assert disagreements(world.items) == {}


def test_nothing_is_saved_while_a_server_is_about_to_start(evening, invoke, ecs):
    saver = evening()
    ecs.comes_up(saver)
    invoke("start-instance", userId=USER)
    assert invoke("save-now", userId=USER)["errorCode"] == "RESOURCE_CONFLICT"
    ecs.ends(saver, exit_code=143)
    assert instance()["status"] == "starting"


def test_a_save_that_gives_way_to_a_session_has_not_failed(evening, save, invoke, ecs, freezer):
    save(evening())
    begins = clock.now() + LEAD_SECONDS
    invoke("schedule-session", userId=USER, startTime=begins, duration=60)
    freezer.tick(LEAD_SECONDS - 900)
    invoke("start-instance", userId=USER)
    (task,) = ecs.tasks()
    ecs.comes_up(task)
    freezer.tick(500)
    invoke("stop-instance", userId=USER)
    ecs.ends(task)
    (saver,) = ecs.tasks()
    ecs.comes_up(saver)
    freezer.tick(120)
    invoke("prepare-sessions", userId="system")
    ecs.ends(saver, exit_code=143)
    assert notices("save-failed") == []
    freezer.tick(60)
    invoke("prepare-sessions", userId="system")
    assert instance()["status"] == "starting"


def test_a_save_is_ended_though_ecs_did_not_know_its_task_at_first(evening, invoke, ecs, freezer):
    saver = evening()
    ecs.comes_up(saver)
    said = refusal("InvalidParameterException", "The referenced task was not found.")
    LAG.replies.append(("ecs.StopTask", said))
    invoke("start-instance", userId=USER)
    assert ecs.tasks() == [saver]
    freezer.tick(300)
    invoke("auto-shutdown-check", userId="system")
    assert ecs.tasks() == [], "it was asked again"
    ecs.ends(saver, exit_code=143)
    assert status(invoke)["status"] == "starting"
    assert len(ecs.tasks()) == 1


def test_a_former_definition_goes_though_its_renewal_died(
    evening, save, invoke, freezer, meanwhile, monkeypatch
):
    save(evening())
    monkeypatch.setenv("EXECUTION_ROLE", "another")
    world.new_process()
    with meanwhile("UpdateItem", mode=DIES_AFTER, after=1), pytest.raises(ProcessDied):
        invoke("save-now", userId=USER)
    freezer.tick(301)
    invoke("auto-shutdown-check", userId="system")
    found = [d.family for d in emulated.definitions() if d.family.endswith("-files")]
    assert len(found) == 1


def test_what_is_about_to_be_forgotten_is_not_put_back(
    evening, save, invoke, ecs, freezer, meanwhile, files, monkeypatch
):
    save(evening())
    (first,) = saves()
    save(evening())
    saver = evening()
    files.fail(saver, "unreachable")
    ecs.ends(saver, exit_code=1)
    monkeypatch.setenv("SAVES_KEPT", "1,0,0")  # from now on the first one may go
    world.new_process()
    freezer.tick(301)

    def a_save_begins() -> None:
        invoke("auto-shutdown-check", userId="system")

    with meanwhile("TransactWriteItems", a_save_begins):
        answer = invoke("restore-save", userId=USER, saveId=first["saveId"])
    assert "leaving" in saves()[0]
    assert answer["errorCode"] == "RESOURCE_CONFLICT"
