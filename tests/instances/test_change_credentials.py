"""change-credentials: what was mistyped or has changed is put right, and the worlds stay."""

from __future__ import annotations

import json

import pytest

from tests import world
from tests.aws_calls import AFTER, AWS, BEFORE, DIES_AFTER, DIES_BEFORE, ProcessDied
from tests.community import borrower, owner
from tests.world import sample

pytestmark = pytest.mark.slow

USER = sample("create-instance")["userId"]
NEW_KEY = sample("change-credentials")["foundryLicense"]


@pytest.fixture
def created(invoke, freezer, once):
    freezer.move_to("2026-11-21T20:00:00Z")
    once(lambda: invoke(sample("create-instance", allowLicenseSharing=True)))


def instance(user=USER):
    (found,) = (i for i in world.items("instances") if i["userId"] == user)
    return found


def secret(stage="AWSCURRENT"):
    client = world.client("secretsmanager")
    name = f"{world.STACK}/{instance()['instanceId']}"
    versions = client.describe_secret(SecretId=name)["VersionIdsToStages"]
    if not any(stage in stages for stages in versions.values()):
        return None
    return json.loads(client.get_secret_value(SecretId=name, VersionStage=stage)["SecretString"])


def change(invoke, **given):
    return invoke("change-credentials", userId=USER, **given)


def test_new_credentials_are_in_place_of_the_old_ones_which_are_gone(created, invoke):
    before = secret()
    assert invoke(sample("change-credentials")) == {
        "success": True,
        "message": "They are used from the next start on",
    }
    changed = {"licenseKey": NEW_KEY, "adminKey": sample("change-credentials")["foundryAdminKey"]}
    assert secret() == before | changed
    assert secret("AWSPREVIOUS") is None


def test_what_is_not_given_stays(created, invoke):
    before = secret()
    assert change(invoke, foundryAdminKey="another one")["success"]
    assert secret() == before | {"adminKey": "another one"}


def test_an_account_of_the_own_is_used_from_the_next_start_on(created, invoke, ecs):
    account = {"foundryUsername": "ada", "foundryPassword": "her password"}
    assert change(invoke, **account)["success"]
    invoke("start-instance", userId=USER)
    (task,) = world.client("ecs").describe_tasks(cluster=world.STACK, tasks=ecs.tasks())["tasks"]
    arn = task["taskDefinitionArn"]
    used = world.client("ecs").describe_task_definition(taskDefinition=arn)["taskDefinition"]
    (foundry,) = (c for c in used["containerDefinitions"] if c["essential"])
    given = {s["name"]: s["valueFrom"].split(":")[-3] for s in foundry["secrets"]}
    assert given["FOUNDRY_PASSWORD"] == "password"
    assert secret()["password"] == "her password"


@pytest.mark.parametrize(
    "given", [{}, {"foundryUsername": "ada"}, {"foundryPassword": "x"}, {"foundryLicense": "AAAA"}]
)
def test_half_of_it_is_refused_and_changes_nothing(created, invoke, given):
    before = secret()
    refused = change(invoke, **given)
    assert refused["errorCode"] == "VALIDATION_ERROR"
    assert refused["details"]["field"].startswith("foundry")
    assert secret() == before


def test_a_server_that_is_up_keeps_what_it_has(created, invoke):
    invoke("start-instance", userId=USER)
    refused = invoke(sample("change-credentials"))
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert "Stop" in refused["details"]["suggestion"]


def test_a_key_that_is_played_with_is_not_changed(created, invoke):
    borrower(invoke, "ben")
    invoke("start-instance", userId="ben")
    refused = change(invoke, foundryLicense=NEW_KEY)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert "ben" not in str(refused)
    assert change(invoke, foundryAdminKey="another one")["success"]


def test_another_members_key_is_refused_and_the_own_old_one_is_free_for_others(created, invoke):
    owner(invoke, "olga")
    refused = change(invoke, foundryLicense=world.license_key("olga"))
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert change(invoke, foundryLicense=NEW_KEY)["success"]
    event = sample("create-instance")
    ben = event | {"userId": "ben", "username": "Ben"}
    assert invoke(ben)["success"]
    assert not change(invoke, foundryLicense=event["foundryLicense"])["success"]


def test_nobody_starts_on_a_licence_while_it_gets_another_key(created, invoke, meanwhile):
    borrower(invoke, "ben")
    started = []
    with meanwhile(
        "PutSecretValue", lambda: started.append(invoke("start-instance", userId="ben"))
    ):
        assert change(invoke, foundryLicense=NEW_KEY)["success"]
    assert [answer["success"] for answer in started] == [False]
    assert invoke("start-instance", userId="ben")["success"]


def test_who_has_no_licence_has_no_key_to_change(created, invoke):
    borrower(invoke, "ben")
    refused = invoke("change-credentials", userId="ben", foundryLicense=NEW_KEY)
    assert refused["details"]["field"] == "foundryLicense"


def test_no_secret_is_told_or_stored_elsewhere(created, invoke, capsys):
    given = sample("change-credentials", foundryUsername="ada", foundryPassword="her password")
    invoke(given)
    shown = capsys.readouterr().out + repr([world.items(table) for table in world.TABLES])
    for name in ("foundryLicense", "foundryAdminKey", "foundryPassword"):
        assert given[name] not in shown


@pytest.mark.parametrize("mode", [BEFORE, AFTER])
def test_what_fails_half_way_is_finished_by_asking_again(created, invoke, meanwhile, mode):
    with meanwhile("UpdateSecretVersionStage", mode=mode):
        assert not invoke(sample("change-credentials"))["success"]
    AWS.queue.clear()
    assert invoke(sample("change-credentials"))["success"]
    assert secret("AWSPREVIOUS") is None
    assert len(instance()["licenseClaims"]) == 1
    assert invoke("start-instance", userId=USER)["success"]


@pytest.mark.parametrize("finish", ["auto-shutdown-check", "update-version"])
@pytest.mark.parametrize("mode", [DIES_BEFORE, DIES_AFTER])
def test_a_change_that_died_is_finished_and_leaves_the_key_in_place_and_no_other(
    created, invoke, freezer, meanwhile, mode, finish
):
    borrower(invoke, "ben")
    old, new = sample("create-instance")["foundryLicense"], NEW_KEY
    with meanwhile("PutSecretValue", mode=mode), pytest.raises(ProcessDied):
        change(invoke, foundryLicense=new)
    freezer.tick(400)  # its lock has expired, and nobody knows yet how far it came
    assert not invoke("start-instance", userId="ben")["success"]
    assert invoke(sample(finish))["success"]
    kept, gone = (old, new) if mode == DIES_BEFORE else (new, old)
    assert secret()["licenseKey"] == kept
    assert secret("AWSPREVIOUS") is None
    for number, key in enumerate([kept, gone]):
        asked = {"userId": f"o{number}", "username": "O", "foundryLicense": key}
        assert invoke(sample("create-instance") | asked)["success"] == (key == gone)
    assert invoke("start-instance", userId="ben")["success"]


def test_the_own_key_given_again_changes_nothing_for_who_plays_with_it(created, invoke):
    borrower(invoke, "ben")
    invoke("start-instance", userId="ben")
    assert change(invoke, foundryLicense=sample("create-instance")["foundryLicense"])["success"]
    assert len(instance()["licenseClaims"]) == 1
