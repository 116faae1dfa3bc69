"""An owner leaves the group and the licence stays: in the pool without a server, until it is taken back."""

from __future__ import annotations

import json

import pytest

from tests import world
from tests.aws_calls import DIES_AFTER, DIES_BEFORE, ProcessDied
from tests.community import community, owner
from tests.world import license_key, sample

pytestmark = pytest.mark.slow

NOW = 1772395200  # 2026-03-01T20:00:00Z
HOUR = 3600


@pytest.fixture
def pool(invoke, freezer, once):
    """One licence, shared by olga; ben and cleo borrow."""
    freezer.move_to("2026-03-01T20:00:00Z")
    once(lambda: community(invoke, owners=["olga"], borrowers=["ben", "cleo"]))


@pytest.fixture
def gone(pool, invoke):
    """olga's server is destroyed, and her licence has stayed."""
    return leaves(invoke)


def leaves(invoke):
    answer = invoke("destroy-instance", userId="olga", keepLicenseSharing=True)
    assert answer["success"], answer
    assert "set-license-sharing" in answer["message"]
    return answer


def takes_back(invoke, **more):
    return invoke("set-license-sharing", userId="olga", allowLicenseSharing=False, **more)


def comes_again(invoke, **more):
    return invoke(sample("create-instance", userId="olga", username="olga", **more))


def tick(invoke, freezer, seconds=300):
    freezer.tick(seconds)
    assert invoke("auto-shutdown-check", userId="system")["failures"] == 0


def the_pool(invoke):
    shown = invoke("license-pool-status")["pools"]
    return [(one["ownerId"], one["status"]) for one in shown]


def keys_stored():
    secrets = world.client("secretsmanager")
    stored = [
        json.loads(secrets.get_secret_value(SecretId=listed["ARN"])["SecretString"])
        for listed in secrets.list_secrets()["SecretList"]
        if listed["Name"].startswith(f"{world.STACK}/")
    ]
    return [values for values in stored if "licenseKey" in values]


def nothing_of_olgas():
    noted = [item for item in world.items("licenses") if "olga" in str(item)]
    return not noted and keys_stored() == []


def test_others_play_on_it_as_before(gone, invoke, ecs):
    assert the_pool(invoke) == [("olga", "available")]
    assert invoke("start-instance", userId="ben")["success"]
    ecs.comes_up(ecs.only_task())
    assert the_pool(invoke) == [("olga", "in-use")]
    assert invoke("start-instance", userId="cleo")["errorCode"] == "RESOURCE_CONFLICT"


def test_of_the_owners_secrets_only_the_key_is_left(gone):
    (left,) = keys_stored()
    assert left == {"licenseKey": sample("create-instance", userId="olga")["foundryLicense"]}
    assert [i["userId"] for i in world.items("instances")] == ["ben", "cleo"]


def test_a_definition_that_was_made_for_it_before_still_finds_the_key(pool, invoke, ecs):
    invoke("start-instance", userId="ben")
    task = ecs.only_task()
    ecs.comes_up(task)
    leaves(invoke)
    ecs.ends(task)
    assert invoke("start-instance", userId="ben")["success"]
    task = ecs.only_task()
    (shown,) = world.client("ecs").describe_tasks(cluster=ecs.cluster, tasks=[task])["tasks"]
    definition = world.client("ecs").describe_task_definition(
        taskDefinition=shown["taskDefinitionArn"]
    )["taskDefinition"]
    (named,) = [
        secret["valueFrom"]
        for container in definition["containerDefinitions"]
        for secret in container["secrets"]
        if secret["name"] == "LICENSE_KEY"
    ]
    arn = named.removesuffix(":licenseKey::")
    secret = world.client("secretsmanager").get_secret_value(SecretId=arn)
    assert "licenseKey" in json.loads(secret["SecretString"])


def test_who_plays_on_it_and_has_booked_it_is_not_disturbed(pool, invoke, ecs):
    invoke("start-instance", userId="ben")
    ecs.comes_up(ecs.only_task())
    booked = invoke("schedule-session", userId="cleo", startTime=NOW + 24 * HOUR, duration=60)
    leaves(invoke)
    assert "olga" not in [i["userId"] for i in world.items("instances")]
    assert ecs.only_task()
    (session,) = invoke("get-scheduled-sessions", userId="cleo")["sessions"]
    assert session["sessionId"] == booked["sessionId"]
    assert session["status"] == "scheduled"


def test_the_owners_own_sessions_are_cancelled_all_the_same(pool, invoke):
    invoke("schedule-session", userId="olga", startTime=NOW + 24 * HOUR, duration=60)
    leaves(invoke)
    (license,) = world.licenses()
    assert license["windows"] == []


def test_taken_back_it_is_forgotten_with_its_key(gone, invoke):
    answer = takes_back(invoke)
    assert answer["success"]
    assert answer["message"] == "Your licence is out of the pool, and its key is forgotten"
    assert the_pool(invoke) == []
    assert nothing_of_olgas()
    assert takes_back(invoke)["errorCode"] == "RESOURCE_NOT_FOUND"


def test_taken_back_while_somebody_plays_it_is_forgotten_once_that_is_over(
    gone, invoke, ecs, freezer
):
    invoke("start-instance", userId="ben")
    task = ecs.only_task()
    ecs.comes_up(task)
    assert "once nobody plays" in takes_back(invoke)["message"]
    assert the_pool(invoke) == []
    tick(invoke, freezer)
    assert len(keys_stored()) == 1
    again = invoke("set-license-sharing", userId="olga", allowLicenseSharing=True)
    assert again["errorCode"] == "RESOURCE_CONFLICT"
    ecs.ends(task)
    assert invoke("start-instance", userId="ben")["errorCode"] == "RESOURCE_CONFLICT"
    tick(invoke, freezer)
    assert nothing_of_olgas()


def test_taken_back_sessions_that_have_booked_it_move_or_are_cancelled(gone, invoke):
    owner(invoke, "oskar")
    both = [
        invoke("schedule-session", userId=user, startTime=NOW + 24 * HOUR, duration=60)
        for user in ("ben", "cleo")
    ]
    assert all(answer["success"] for answer in both)
    takes_back(invoke)
    found = {s["userId"]: s["status"] for s in world.items("sessions")}
    assert sorted(found.values()) == ["cancelled", "scheduled"]
    assert nothing_of_olgas() or len(keys_stored()) == 1  # oskar's
    assert [x["ownerId"] for x in world.licenses()] == ["oskar"]


def test_taken_back_after_sessions_it_serves_them_and_ends_then(gone, invoke, freezer):
    booked = invoke("schedule-session", userId="ben", startTime=NOW + 24 * HOUR, duration=60)
    answer = takes_back(invoke, afterSessions=True)
    assert "after the sessions" in answer["message"]
    assert len(keys_stored()) == 1
    assert invoke("start-instance", userId="cleo")["errorCode"] == "RESOURCE_CONFLICT"
    invoke("cancel-scheduled-session", userId="ben", sessionId=booked["sessionId"])
    tick(invoke, freezer)
    assert nothing_of_olgas()


def test_who_has_changed_their_mind_may_leave_it_until_it_ends(gone, invoke):
    invoke("schedule-session", userId="ben", startTime=NOW + 24 * HOUR, duration=60)
    takes_back(invoke, afterSessions=True)
    assert invoke("set-license-sharing", userId="olga", allowLicenseSharing=True)["success"]
    assert invoke("start-instance", userId="cleo")["success"]


def test_its_key_makes_no_second_licence_until_it_is_taken_back(gone, invoke):
    refused = comes_again(invoke)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert refused["details"]["field"] == "foundryLicense"
    assert "set-license-sharing" in refused["details"]["suggestion"]
    other = invoke(
        sample(
            "create-instance",
            userId="dora",
            username="dora",
            foundryLicense=sample("create-instance", userId="olga")["foundryLicense"],
        )
    )
    assert "Another member" in other["error"]
    takes_back(invoke)
    assert comes_again(invoke)["success"]
    assert len(keys_stored()) == 1


def test_the_owner_may_play_on_it_from_the_pool(gone, invoke, ecs):
    event = sample("create-instance", userId="olga", username="olga", licenseType="pooled")
    del event["foundryLicense"]
    assert invoke(event)["success"]
    assert invoke("start-instance", userId="olga")["success"]
    assert the_pool(invoke) == [("olga", "in-use")]
    assert "once nobody plays" in takes_back(invoke)["message"]


def test_with_another_key_the_owner_has_two_and_takes_both_out(gone, invoke):
    other = license_key("olga's second")
    assert comes_again(invoke, foundryLicense=other, allowLicenseSharing=True)["success"]
    assert len(the_pool(invoke)) == 2
    refused = invoke("destroy-instance", userId="olga", keepLicenseSharing=True)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert "already" in refused["error"]
    assert takes_back(invoke)["success"]
    assert the_pool(invoke) == []
    (stored,) = keys_stored()
    assert stored["licenseKey"] == other


@pytest.mark.parametrize("user", ["ben", "keno"])
def test_only_a_licence_that_is_shared_can_stay(pool, invoke, user):
    owner(invoke, "keno", shares=False)
    refused = invoke("destroy-instance", userId=user, keepLicenseSharing=True)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert refused["details"]["field"] == "keepLicenseSharing"
    assert user in [i["userId"] for i in world.items("instances")]


def test_it_is_decided_when_the_server_begins_to_go(pool, invoke, ecs):
    invoke("start-instance", userId="olga")
    task = ecs.only_task()
    ecs.comes_up(task)
    leaves(invoke)
    assert invoke("destroy-instance", userId="olga")["success"]
    assert "Try again" in takes_back(invoke)["details"]["suggestion"]
    ecs.ends(task)
    (purge,) = ecs.tasks()
    ecs.ends(purge)
    assert the_pool(invoke) == [("olga", "available")]


@pytest.mark.parametrize("mode", [DIES_BEFORE, DIES_AFTER])
@pytest.mark.parametrize("operation", ["PutSecretValue", "UpdateSecretVersionStage"])
def test_a_death_on_the_way_leaves_the_key_where_it_is(
    pool, invoke, freezer, meanwhile, operation, mode
):
    with meanwhile(operation, mode=mode), pytest.raises(ProcessDied):
        invoke("destroy-instance", userId="olga", keepLicenseSharing=True)
    tick(invoke, freezer, 601)
    assert the_pool(invoke) == [("olga", "available")]
    (left,) = keys_stored()
    assert list(left) == ["licenseKey"]


@pytest.mark.parametrize("mode", [DIES_BEFORE, DIES_AFTER])
@pytest.mark.parametrize("operation", ["DeleteSecret", "TransactWriteItems"])
def test_a_death_while_it_is_taken_back_is_made_good_by_the_tick(
    gone, invoke, freezer, meanwhile, operation, mode
):
    with meanwhile(operation, mode=mode), pytest.raises(ProcessDied):
        takes_back(invoke)
    if (operation, mode) == ("TransactWriteItems", DIES_BEFORE):
        assert the_pool(invoke) == [("olga", "available")]
        takes_back(invoke)
    tick(invoke, freezer)
    assert nothing_of_olgas()
