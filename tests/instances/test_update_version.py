"""update-version: another image from the next start on."""

from __future__ import annotations

import pytest

from tests import world
from tests.world import sample

pytestmark = pytest.mark.slow

USER = sample("create-instance")["userId"]


@pytest.fixture
def created(invoke, once):
    once(lambda: invoke(sample("create-instance")))


def image():
    (item,) = world.items("instances")
    definition = world.client("ecs").describe_task_definition(
        taskDefinition=item["taskDefinitionArn"]
    )["taskDefinition"]
    return next(c["image"] for c in definition["containerDefinitions"] if c["name"] == "foundry")


def test_the_next_start_uses_the_version_and_the_old_definition_is_gone(created, invoke):
    answer = invoke(sample("update-version"))
    assert answer["foundryVersion"] == "14"
    assert image() == "ghcr.io/felddy/foundryvtt:14"
    (item,) = world.items("instances")
    family = f"{world.STACK}_{item['instanceId']}"
    active = world.client("ecs").list_task_definitions(familyPrefix=family, status="ACTIVE")
    assert active["taskDefinitionArns"] == [item["taskDefinitionArn"]]
    assert invoke("status", userId=USER)["foundryVersion"] == "14"


def test_the_licence_stays_the_members_own(created, invoke, ecs):
    invoke(sample("update-version"))
    invoke(sample("start-instance"))
    assert len(ecs.tasks()) == 1
    (item,) = world.items("instances")
    assert item["taskDefinitionLicense"] == item["licenseId"]


def test_a_server_that_is_up_must_be_stopped_first(created, invoke):
    invoke(sample("start-instance"))
    answer = invoke(sample("update-version"))
    assert answer["errorCode"] == "RESOURCE_CONFLICT"
    assert answer["details"]["status"] == "starting"
    assert image() == "ghcr.io/felddy/foundryvtt:13"


def test_without_a_version_it_is_refused(created, invoke):
    assert invoke("update-version", userId=USER)["details"]["field"] == "foundryVersion"


@pytest.fixture
def evening(created, invoke, ecs, foundry, freezer):
    """A run on the build that Foundry says it is, from its start to its end."""

    def play(build):
        freezer.tick(3600)
        assert invoke(sample("start-instance"))["success"] is True
        task = ecs.only_task()
        started = image()
        ecs.comes_up(task)
        foundry.says["ada.play.example"] = {"active": False, "version": build}
        freezer.tick(300)
        assert invoke(sample("auto-shutdown-check"))["failures"] == 0
        invoke(sample("stop-instance"))
        ecs.ends(task)
        return started

    return play


def test_the_build_that_ran_is_started_again_until_another_is_asked_for(evening, invoke):
    assert evening("13.351").endswith(":13")
    assert invoke("status", userId=USER)["foundryBuild"] == "13.351"
    assert evening("13.351").endswith(":13.351")
    assert invoke(sample("update-version", foundryVersion="13"))["success"] is True
    assert evening("13.360").endswith(":13")
    assert evening("13.360").endswith(":13.360")
    assert invoke("status", userId=USER)["foundryBuild"] == "13.360"


def test_a_build_can_be_asked_for_and_stays_as_it_was_asked_for(evening, invoke):
    invoke(sample("update-version", foundryVersion="13.351.1"))
    assert evening("13.351").endswith(":13.351.1")
    assert evening("13.351").endswith(":13.351.1")


@pytest.mark.parametrize("older", ["13", "13.351", "14.362", "14.362.5", "11"])
def test_a_way_down_is_refused_with_the_reason(evening, invoke, older):
    invoke(sample("update-version", foundryVersion="14"))
    evening("14.363")
    answer = invoke(sample("update-version", foundryVersion=older))
    assert answer["errorCode"] == "RESOURCE_CONFLICT"
    assert answer["details"]["field"] == "foundryVersion"
    assert "worlds have been migrated" in answer["error"]
    assert "14.363" in answer["details"]["suggestion"]
    assert evening("14.363").endswith(":14.363")


@pytest.mark.parametrize("newer", ["14", "14.363", "14.363.0", "14.400", "release"])
def test_the_same_build_or_a_newer_one_can_be_asked_for(evening, invoke, newer):
    invoke(sample("update-version", foundryVersion="14"))
    evening("14.363")
    assert invoke(sample("update-version", foundryVersion=newer))["success"] is True
    assert image().endswith(f":{newer}")


def test_a_server_that_never_ran_has_nothing_to_lose(created, invoke):
    assert invoke(sample("update-version", foundryVersion="12"))["success"] is True


def test_what_has_been_started_does_not_go_down_though_nobody_saw_its_build(created, invoke, ecs):
    invoke(sample("start-instance"))
    ecs.ends(ecs.only_task())
    answer = invoke(sample("update-version", foundryVersion="12"))
    assert answer["errorCode"] == "RESOURCE_CONFLICT"


@pytest.mark.parametrize("said", ["13", "13.x", "latest", "13.351; rm", None, 13.351, {"a": 1}])
def test_what_is_no_build_is_not_started(evening, invoke, said):
    evening(said)
    assert "foundryBuild" not in invoke("status", userId=USER)
    assert evening("13.351").endswith(":13")


def test_an_older_build_that_a_server_claims_is_not_believed(evening, invoke):
    evening("13.351")
    evening("13.340")
    assert invoke("status", userId=USER)["foundryBuild"] == "13.351"
