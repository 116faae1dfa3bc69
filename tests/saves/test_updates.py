"""Another version of Foundry comes after a save, and can be taken back for a fortnight."""

from __future__ import annotations

import pytest

from tests import world
from tests.aws_calls import DIES_AFTER, ProcessDied
from tests.recount import disagreements
from tests.saves.conftest import USER, access_point, instance
from tests.saves.played import notices, saves

pytestmark = pytest.mark.slow
DAY = 86400


def image():
    definition = world.client("ecs").describe_task_definition(
        taskDefinition=instance()["taskDefinitionArn"]
    )["taskDefinition"]
    return next(c["image"] for c in definition["containerDefinitions"] if c["name"] == "foundry")


@pytest.fixture
def played(evening, save):
    save(evening())


@pytest.fixture
def update(played, invoke, ecs):
    def ask(version="14", **fields):
        answer = invoke("update-version", userId=USER, foundryVersion=version)
        assert answer["success"], answer
        return answer

    return ask


@pytest.fixture
def updated(update, ecs, save):
    update()
    (saver,) = ecs.tasks()
    save(saver)


def test_an_update_changes_nothing_before_the_save(update, invoke, ecs, save):
    update()
    assert image().endswith(":13")
    (saver,) = ecs.tasks()
    save(saver)
    assert image().endswith(":14")
    *_, made = saves()
    assert made["kind"] == "before-update"
    assert made["keptUntil"] > made["at"] + 13 * DAY
    assert "work" not in instance()
    assert "due" not in instance()
    assert invoke("status", userId=USER)["foundryVersion"] == "14"


def test_an_update_whose_save_fails_changes_nothing_and_is_told(
    update, invoke, ecs, two_tries_fail
):
    update()
    two_tries_fail()
    assert ecs.tasks() == []
    assert image().endswith(":13")
    assert "work" not in instance()
    assert "Nothing was changed" in notices("update-failed")[-1]["message"]
    assert invoke("start-instance", userId=USER)["success"]


def test_a_start_waits_for_an_update(update, invoke, ecs, save):
    update()
    (saver,) = ecs.tasks()
    assert invoke("start-instance", userId=USER)["status"] == "starting"
    assert ecs.tasks() == [saver]
    save(saver)
    (task,) = ecs.tasks()
    assert image().endswith(":14")
    ecs.comes_up(task)
    assert invoke("status", userId=USER)["status"] == "running"


def test_an_undone_update_brings_files_and_version_back(updated, evening, save, files, ecs, invoke):
    before = files.saved[instance()["instanceId"]][instance()["trial"]["snapshot"]]
    save(evening())
    answer = invoke("undo-update", userId=USER)
    assert answer["foundryVersion"] == "13"
    assert "lost from the server" in answer["message"]
    (saver,) = ecs.tasks()
    save(saver)
    (restorer,) = ecs.tasks()
    save(restorer)
    assert files.content[access_point()] == before
    assert image().endswith(":13")
    assert not {"trial", "work", "due"} & instance().keys()
    assert invoke("undo-update", userId=USER)["errorCode"] == "RESOURCE_CONFLICT"
    assert disagreements(world.items) == {}


def test_what_cannot_be_undone_is_told_and_the_update_stays(
    updated, evening, save, ecs, invoke, two_tries_fail
):
    save(evening())
    invoke("undo-update", userId=USER)
    two_tries_fail()
    assert ecs.tasks() == []
    told = notices("restore-failed")[-1]
    assert "could not be taken back" in told["message"]
    assert "Nothing was changed" in told["message"]
    assert image().endswith(":14")
    assert "work" not in instance()
    assert invoke("start-instance", userId=USER)["success"]


def test_an_update_is_kept_after_a_fortnight(updated, invoke, freezer):
    freezer.tick(14 * DAY + 1)
    assert invoke("undo-update", userId=USER)["errorCode"] == "RESOURCE_CONFLICT"


def test_the_way_back_is_not_deleted_meanwhile(updated, evening, save, invoke, freezer):
    save(evening())
    way_back = instance()["trial"]["saveId"]
    refused = invoke("delete-save", userId=USER, saveId=way_back)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    freezer.tick(14 * DAY + 1)
    assert invoke("delete-save", userId=USER, saveId=way_back)["success"]


def test_the_first_start_after_an_update_stays_at_the_setup_screen(updated, evening, invoke, ecs):
    invoke("set-world", userId=USER, world="dragons")
    invoke("start-instance", userId=USER)
    assert "runWorld" not in instance()
    (task,) = ecs.tasks()
    ecs.comes_up(task)
    invoke("stop-instance", userId=USER)
    ecs.ends(task)
    (saver,) = ecs.tasks()
    ecs.ends(saver)
    invoke("start-instance", userId=USER)
    assert instance()["runWorld"] == "dragons"


def test_what_will_not_work_is_said_before(evening, save, invoke):
    old = {"type": "module", "id": "old", "version": "1", "maximum": "13"}
    new = {"type": "system", "id": "new", "version": "2", "minimum": "15"}
    shy = {"type": "module", "id": "shy", "version": "3", "verified": "13.351"}
    fit = {"type": "module", "id": "fit", "version": "4", "minimum": "12", "maximum": "14"}
    save(evening(), packages=[shy, fit | {"verified": "14"}, new, old])
    found = invoke("update-version", userId=USER, foundryVersion="14")["unfit"]
    assert [(p["id"], p["why"]) for p in found] == [
        ("old", "too-old"),
        ("new", "too-new"),
        ("shy", "untested"),
    ]


@pytest.mark.parametrize("operation", ["RegisterTaskDefinition", "DeregisterTaskDefinition"])
def test_a_death_while_the_version_is_put_in_is_healed(
    update, invoke, ecs, save, freezer, operation, meanwhile
):
    update()
    (saver,) = ecs.tasks()
    with meanwhile(operation, mode=DIES_AFTER), pytest.raises(ProcessDied):
        save(saver)
    for _ in range(3):
        freezer.tick(301)
        invoke("auto-shutdown-check", userId="system")
    assert image().endswith(":14")
    assert instance()["trial"]["version"] == "13"
    assert not {"work", "due", "renews"} & instance().keys()
