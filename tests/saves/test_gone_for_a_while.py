"""A destroyed server is saved first, and can come back for thirty days."""

from __future__ import annotations

import json

import pytest

from tests import world
from tests.aws_calls import BEFORE, DIES_AFTER, DIES_BEFORE, ProcessDied
from tests.recount import disagreements
from tests.saves.conftest import DAY, USER, access_point, instance
from tests.saves.played import come_back, departed, finish, notices, own_saves, saves, secrets
from tests.world import sample

pytestmark = pytest.mark.slow


def test_what_is_saved_already_is_not_saved_again(destroyed, files):
    assert len(own_saves()) == 1
    assert files.saved[destroyed["instanceId"]]
    (left,) = departed()
    assert left["until"] - left["at"] == 30 * DAY


def test_only_the_password_to_the_saves_is_left_of_the_secrets(destroyed):
    (name,) = secrets()
    value = world.client("secretsmanager").get_secret_value(SecretId=name)["SecretString"]
    assert list(json.loads(value)) == ["savesPassword"]
    assert world.licenses() == []
    assert world.items("hosts") == []
    roles = world.client("iam").list_roles()["Roles"]
    assert [r for r in roles if destroyed["instanceId"] in r["RoleName"]] == []


def test_a_server_that_runs_is_stopped_saved_and_then_destroyed(evening, save, invoke, ecs, purge):
    save(evening())
    invoke("start-instance", userId=USER)
    (task,) = ecs.tasks()
    ecs.comes_up(task)
    assert "keptUntil" in invoke("destroy-instance", userId=USER)
    ecs.ends(task)
    (saver,) = ecs.tasks()
    save(saver)
    purge()
    assert world.items("instances") == []
    assert [s["kind"] for s in own_saves()] == ["after-stop", "before-destroy"]
    assert disagreements(world.items) == {}


def test_a_server_whose_save_fails_is_not_destroyed_until_that_is_forgotten(
    evening, invoke, ecs, files, freezer, purge
):
    saver = evening()
    ecs.comes_up(saver)
    invoke("destroy-instance", userId=USER)
    files.fail(saver, "unreachable")
    ecs.ends(saver, exit_code=1)
    assert ecs.tasks() == []
    assert "forget" in notices("save-failed")[-1]["message"]
    freezer.tick(301)
    invoke("auto-shutdown-check", userId="system")
    (saver,) = ecs.tasks()
    ecs.comes_up(saver)
    assert invoke("destroy-instance", userId=USER, forget=True)["success"]
    ecs.ends(saver, exit_code=143)
    purge()
    assert world.items("instances") == []
    assert world.items("saves") == []
    assert secrets() == []


def test_forgotten_at_once_nothing_is_kept(played, invoke, purge):
    answer = invoke("destroy-instance", userId=USER, forget=True)
    assert "keptUntil" not in answer
    purge()
    assert world.items("saves") == []
    assert secrets() == []
    assert world.client("s3").list_objects_v2(Bucket=world.SAVES)["KeyCount"] == 0


def test_a_server_comes_back_with_its_files_and_its_version(destroyed, invoke, ecs, save, files):
    before = files.content[destroyed["accessPointId"]]
    answer = come_back(invoke, username="Ada again")
    assert answer["success"], answer
    assert "ada-again" in answer["instanceUrl"]
    (restorer,) = ecs.tasks()
    assert invoke("start-instance", userId=USER)["errorCode"] == "RESOURCE_CONFLICT"
    save(restorer)
    assert files.content[access_point()] == before
    assert instance()["foundryVersion"] == destroyed["foundryVersion"]
    assert departed() == []
    (name,) = secrets()
    assert name.endswith(instance()["instanceId"])
    assert not {"work", "due", "comesBack", "passwordOf"} & instance().keys()
    listed = invoke("list-saves", userId=USER)["saves"]
    assert len(listed) == 1
    assert invoke("start-instance", userId=USER)["success"]


def test_it_comes_back_a_second_time(destroyed, invoke, ecs, save, files, freezer, purge):
    before = files.content[destroyed["accessPointId"]]
    for _ in range(2):
        come_back(invoke)
        (restorer,) = ecs.tasks()
        save(restorer)
        freezer.tick(60)
        invoke("destroy-instance", userId=USER)
        while ecs.tasks():
            (task,) = ecs.tasks()
            ecs.comes_up(task)
            if files.is_file_task(task):
                files.carry_out(task)
            ecs.ends(task)
    come_back(invoke)
    (restorer,) = ecs.tasks()
    save(restorer)
    assert files.content[access_point()] == before


def test_one_that_goes_again_before_it_has_its_files_back_keeps_its_saves(
    destroyed, invoke, ecs, save, files, freezer
):
    come_back(invoke)
    assert "keptUntil" in invoke("destroy-instance", userId=USER)
    finish(ecs, files)
    freezer.tick(301)
    invoke("auto-shutdown-check", userId="system")
    finish(ecs, files)
    assert world.items("instances") == []
    assert come_back(invoke)["success"]
    (restorer,) = ecs.tasks()
    save(restorer)
    assert files.content[access_point()] == files.content[destroyed["accessPointId"]]


def test_one_that_was_never_made_whole_again_still_can_come_back(
    destroyed, invoke, ecs, save, files, freezer, meanwhile
):
    with meanwhile("RegisterTaskDefinition", mode="before"):
        assert not come_back(invoke)["success"]
    for _ in range(4):
        freezer.tick(301)
        invoke("auto-shutdown-check", userId="system")
    assert world.items("instances") == []
    (left,) = departed()
    assert "takenBy" not in left
    assert come_back(invoke)["success"]
    (restorer,) = ecs.tasks()
    save(restorer)
    assert files.content[access_point()] == files.content[destroyed["accessPointId"]]


def test_after_its_time_nothing_is_left(destroyed, invoke, freezer):
    freezer.tick(30 * DAY + 1)
    assert invoke("auto-shutdown-check", userId="system")["failures"] == 0
    assert world.items("saves") == []
    assert secrets() == []
    assert world.client("s3").list_objects_v2(Bucket=world.SAVES)["KeyCount"] == 0
    assert come_back(invoke)["errorCode"] == "RESOURCE_NOT_FOUND"


def test_nobody_brings_another_members_server_back(destroyed, invoke):
    keys = sample("create-instance", userId="111111111111111111")
    fields = {name: keys[name] for name in ("foundryLicense", "foundryAdminKey")}
    answer = invoke("restore-instance", userId="111111111111111111", **fields)
    assert answer["errorCode"] == "RESOURCE_NOT_FOUND"


def test_nothing_is_kept_though_that_is_asked_for_only_while_files_are_erased(
    played, invoke, freezer, purge
):
    freezer.tick(3600)
    assert "keptUntil" in invoke("destroy-instance", userId=USER)
    assert invoke("destroy-instance", userId=USER, forget=True)["success"]
    purge()
    assert world.items("instances") == []
    assert saves() == []
    assert secrets() == []


@pytest.mark.parametrize("mode", [DIES_BEFORE, DIES_AFTER])
def test_what_did_not_quite_come_back_can_still_come_back(
    destroyed, invoke, save, ecs, files, freezer, meanwhile, mode
):
    before = departed()[0]["choices"]
    with meanwhile("CreateSecret", mode=mode), pytest.raises(ProcessDied):
        come_back(invoke)
    freezer.tick(1000)  # nobody goes on with it: it is undone
    invoke("auto-shutdown-check", userId="system")
    assert world.items("instances") == []
    (left,) = departed()
    assert left["choices"] == before
    (name,) = secrets()
    assert name.endswith(left["secretOf"])
    assert come_back(invoke)["success"]
    (restorer,) = ecs.tasks()
    save(restorer)
    assert files.content[access_point()] in files.saved[destroyed["instanceId"]].values()
    assert len(secrets()) == 1


def test_one_that_is_being_made_for_the_first_time_is_not_brought_back(invoke, meanwhile):
    with meanwhile("RegisterTaskDefinition", mode=BEFORE):
        assert not invoke(sample("create-instance"))["success"]
    answer = come_back(invoke)
    assert answer["errorCode"] == "RESOURCE_CONFLICT"
    assert "already" in answer["error"], answer
    assert instance()["status"] == "creating"
