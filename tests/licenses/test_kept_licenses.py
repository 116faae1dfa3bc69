"""An owner leaves the group and the licence stays: in the pool without a server, until it is taken back."""

from __future__ import annotations

import json

import pytest

from tests import world
from tests.aws_calls import BEFORE, DIES_AFTER, DIES_BEFORE, ProcessDied
from tests.community import owner
from tests.world import license_key, sample

pytestmark = pytest.mark.slow

NOW = 1772395200  # 2026-03-01T20:00:00Z
HOUR = 3600


@pytest.fixture
def gone(pool, invoke):
    """olga's server is destroyed, and her licence has stayed."""
    assert "set-license-sharing" in leaves(invoke)["message"]


def leaves(invoke):
    return invoke("destroy-instance", userId="olga", keepLicenseSharing=True)


def takes_back(invoke, user="olga", **more):
    return invoke("set-license-sharing", userId=user, allowLicenseSharing=False, **more)


def comes_again(invoke, **more):
    return invoke(sample("create-instance", userId="olga", username="olga", **more))


def tick(invoke, freezer, seconds=300):
    freezer.tick(seconds)
    assert invoke("auto-shutdown-check", userId="system")["failures"] == 0


def books(invoke, user, hours=24):
    return invoke("schedule-session", userId=user, startTime=NOW + hours * HOUR, duration=60)


def plays(invoke, ecs, user="ben"):
    assert invoke("start-instance", userId=user)["success"]
    task = ecs.only_task()
    ecs.comes_up(task)
    return task


def license_of(user):
    (found,) = [one for one in world.licenses() if one["ownerId"] == user]
    return found


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
    assert (
        answer["message"]
        == "The licence that you had left is out of the pool, and its key is forgotten"
    )
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
    assert "when the server is gone" in takes_back(invoke)["details"]["suggestion"]
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


def test_a_session_goes_to_no_licence_that_is_taken_out_of_the_pool_just_then(
    pool, invoke, meanwhile
):
    """leave() re-reads the licence that it found shared, and does not ask again whether it is."""
    owner(invoke, "oskar")
    assert books(invoke, "cleo")["success"]
    assert books(invoke, "ben")["success"]
    leaves(invoke)
    kept_id = license_of("olga")["licenseId"]
    asked = 0
    while True:
        with meanwhile("GetItem", lambda: takes_back(invoke, "oskar"), after=asked):
            takes_back(invoke)
        private = license_of("oskar")
        if "pool" in private:
            break  # there were no more reads: nobody has interrupted
        booked = [
            s["userId"]
            for s in world.items("sessions")
            if s["status"] == "scheduled" and s["licenseId"] == private["licenseId"]
        ]
        assert booked == [], f"after {asked} reads: a session on a licence that is not shared"
        asked += 1
        _again(invoke, kept_id)


def _again(invoke, kept_id):
    """All as it was: olga's licence kept in the pool, oskar's shared, ben and cleo booked."""
    assert invoke("set-license-sharing", userId="oskar", allowLicenseSharing=True)["success"]
    if kept_id not in [one["licenseId"] for one in world.licenses()]:
        assert comes_again(invoke, allowLicenseSharing=True)["success"]
        assert leaves(invoke)["success"]
    for session in world.items("sessions"):
        if session["status"] == "scheduled":
            who = {"userId": session["userId"], "sessionId": session["sessionId"]}
            assert invoke("cancel-scheduled-session", **who)["success"]
    for user in ("cleo", "ben"):
        assert books(invoke, user)["success"]


def test_a_session_of_next_week_is_not_lost_since_its_member_plays_tonight(
    pool, invoke, ecs, freezer
):
    """Played now, all sessions of that member stay on the licence that ends, until no other one is free."""
    assert books(invoke, "ben", hours=7 * 24)["success"]
    task = plays(invoke, ecs)
    owner(invoke, "oskar")  # who has a free licence for that time
    leaves(invoke)
    takes_back(invoke)
    tick(invoke, freezer)
    books(invoke, "cleo", hours=7 * 24)  # has what is still free then
    ecs.ends(task)
    tick(invoke, freezer)
    (session,) = [s for s in world.items("sessions") if s["userId"] == "ben"]
    assert session["status"] == "scheduled", session


def test_a_licence_does_not_stay_that_nobody_can_start_on(pool, invoke, freezer, meanwhile):
    """The key is being changed between destroy's look at the licence and its mark; that change fails."""

    def changes_the_key():
        with meanwhile("PutSecretValue", mode=BEFORE):
            other = license_key("olga's other")
            invoke("change-credentials", userId="olga", foundryLicense=other)

    # Before the read by which destroy looks whether another licence stays already: that of the note.
    with meanwhile("GetItem", changes_the_key, after=2):
        answer = leaves(invoke)
    if not answer["success"]:
        return  # refused: right, too
    for _ in range(4):
        tick(invoke, freezer)
    status = invoke("license-pool-status")
    started = invoke("start-instance", userId="ben")
    assert started["success"] or status["availableLicenses"] == 0, (status, started)


def test_who_takes_it_back_is_not_told_that_there_is_nothing_since_the_tick_was_quicker(
    gone, invoke, meanwhile
):
    with meanwhile("DeleteSecret", lambda: invoke("auto-shutdown-check", userId="system")):
        answer = takes_back(invoke)
    assert answer["success"], answer


def test_who_takes_it_back_twice_at_once_is_told_the_same_twice(gone, invoke, meanwhile):
    answers = []
    with meanwhile("DeleteSecret", lambda: answers.append(takes_back(invoke))):
        answers.append(takes_back(invoke))
    assert [answer["success"] for answer in answers] == [True, True], answers


def test_its_owner_is_not_told_to_take_back_what_was_taken_back(gone, invoke, ecs):
    """`ending`: it is in no pool, and taking it back once more helps nothing."""
    plays(invoke, ecs)
    takes_back(invoke)
    refused = comes_again(invoke)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert "is in the pool" not in refused["error"]
    assert "Take it back" not in refused["details"]["suggestion"]


def test_a_licence_that_was_taken_out_just_then_is_not_said_to_stay(pool, invoke, meanwhile):
    with meanwhile("TransactWriteItems", lambda: takes_back(invoke)):
        answer = leaves(invoke)
    assert world.licenses() == []
    assert not answer["success"] or "stays in the pool" not in answer["message"]


def test_the_key_is_not_said_to_be_anothers_that_was_the_owners_until_just_now(
    gone, invoke, meanwhile
):
    with meanwhile("GetItem", lambda: takes_back(invoke)):  # the look whose the claim is
        answer = comes_again(invoke)
    assert answer["success"] or "Another member" not in answer["error"], answer


def test_a_licence_whose_key_is_being_changed_is_not_said_to_be_unshared(pool, invoke, meanwhile):
    with meanwhile("PutSecretValue", mode=BEFORE):
        invoke("change-credentials", userId="olga", foundryLicense=license_key("olga's other"))
    refused = leaves(invoke)
    assert not refused["success"]
    assert "no licence that others may play on" not in refused["error"]


def test_who_has_begun_to_destroy_is_not_told_to_share_first(pool, invoke, ecs):
    """Sharing is refused then: "You have no licence of your own to share." """
    plays(invoke, ecs, "olga")
    assert invoke("destroy-instance", userId="olga")["success"]
    refused = leaves(invoke)
    assert "Share it first" not in refused["details"]["suggestion"]


def test_who_leaves_a_licence_that_serves_its_last_sessions_is_told_so(pool, invoke):
    """`leaving`: others do play on it, and "share it first" would be the opposite of what was asked for."""
    books(invoke, "ben")
    takes_back(invoke, afterSessions=True)
    refused = leaves(invoke)
    assert not refused["success"]
    assert "no licence that others may play on" not in refused["error"]
