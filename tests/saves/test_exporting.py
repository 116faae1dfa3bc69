"""A save, or a part of it, can be downloaded for a day."""

from __future__ import annotations

import urllib.parse

import pytest

from tests import world
from tests.saves.conftest import USER, instance
from tests.saves.played import a_start_ends, come_back, finish, notices, saves

pytestmark = pytest.mark.slow


@pytest.fixture
def export(evening, save, invoke):
    save(evening())
    (made,) = saves()

    def ask(**part):
        return invoke("export-save", userId=USER, saveId=made["saveId"], **part)

    return ask


def test_a_save_is_exported_and_then_has_an_address(export, save, ecs, freezer):
    assert "url" not in export()
    (task,) = ecs.tasks()
    save(task)
    assert ecs.tasks() == []
    assert len(notices("exported")) == 1
    answer = export()
    address = urllib.parse.urlsplit(answer["url"])
    query = urllib.parse.parse_qs(address.query)
    assert address.path.endswith(f"/exports/{instance()['instanceId']}/{run_of_export()}.zip")
    assert query["response-content-disposition"] == ['attachment; filename="ada.zip"']
    assert int(query["X-Amz-Expires"][0]) <= 86400
    assert answer["bytes"] == 1_000_000
    assert not {"work", "due", "runId"} & instance().keys()
    freezer.tick(86400)
    assert "url" not in export(), "the zip is gone by then, so it is made anew"


def run_of_export():
    return next(run["runId"] for run in world.items("runs") if run["kind"] == "export")


def test_a_world_is_exported_by_itself(export, save, ecs):
    export(world="dragons")
    (task,) = ecs.tasks()
    save(task)
    assert "url" not in export(), "all of it is something else"
    (task,) = ecs.tasks()
    save(task)
    assert "url" not in export(world="dragons"), "only what was exported last is remembered"


def test_one_that_has_come_back_is_not_saved_for_that(export, invoke, ecs, files, save):
    """It has not stopped since: there is nothing that the export has taken the place of."""
    invoke("destroy-instance", userId=USER)
    finish(ecs, files)
    come_back(invoke)
    finish(ecs, files)
    export()
    (task,) = ecs.tasks()
    save(task)
    assert "url" in export()
    assert not {"work", "due"} & instance().keys()


def test_a_start_ends_an_export(export, invoke, ecs):
    export()
    a_start_ends(invoke, ecs)
    assert invoke("status", userId=USER)["status"] == "running"
    assert notices("export-failed") == []


def test_an_export_during_the_save_after_a_stop_follows_it(evening, save, invoke, ecs):
    save(evening())
    (first,) = saves()
    saver = evening()
    assert invoke("export-save", userId=USER, saveId=first["saveId"])["success"]
    save(saver)
    assert len(saves()) == 2
    (task,) = ecs.tasks()
    save(task)
    assert instance()["export"]["of"]["snapshot"] == first["snapshot"]
