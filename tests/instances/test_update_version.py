"""update-version: another image from the next start on."""

from __future__ import annotations

import pytest

from tests import world
from tests.world import sample

USER = sample("create-instance")["userId"]


@pytest.fixture
def created(invoke):
    invoke(sample("create-instance"))


def image():
    (item,) = world.items("instances")
    definition = world.client("ecs").describe_task_definition(
        taskDefinition=item["taskDefinitionArn"]
    )["taskDefinition"]
    return next(c["image"] for c in definition["containerDefinitions"] if c["name"] == "foundry")


def test_the_next_start_uses_the_version_and_the_old_definition_is_gone(created, invoke):
    answer = invoke(sample("update-version"))
    assert answer["foundryVersion"] == "14"
    assert image() == "felddy/foundryvtt:14"
    (item,) = world.items("instances")
    family = f"{world.STACK}-{item['instanceId']}"
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
    assert image() == "felddy/foundryvtt:13"


def test_without_a_version_it_is_refused(created, invoke):
    assert invoke("update-version", userId=USER)["details"]["field"] == "foundryVersion"
