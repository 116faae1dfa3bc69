"""What administrators order: servers stopped, sessions called off, maintenance, repair."""

from __future__ import annotations

import time

import pytest

from tests import world
from tests.aws_calls import AWS
from tests.community import community
from tests.recount import disagreements
from tests.world import sample

pytestmark = pytest.mark.slow

NOW = 1795291200  # 2026-11-21T20:00:00Z
HOUR = 3600


@pytest.fixture(autouse=True)
def members(invoke, freezer, once):
    freezer.move_to("2026-11-21T20:00:00Z")
    once(lambda: community(invoke, owners=["olga"], keepers=["otto"], borrowers=["ben"]))


@pytest.fixture
def order(invoke):
    def give(name, **fields):
        return invoke(f"admin-{name}", userId="admin", **fields)

    return give


def told(kind):
    return [(o["about"], o["message"]) for o in AWS.queue if o.get("kind") == kind]


def book(invoke, user, hours):
    answer = invoke("schedule-session", userId=user, startTime=NOW + hours * HOUR, duration=60)
    assert answer["success"], answer
    return answer["sessionId"]


def sessions(invoke, user):
    return [s["status"] for s in invoke("get-scheduled-sessions", userId=user)["sessions"]]


def status(invoke, user="olga"):
    return invoke("status", userId=user)


# --- servers -----------------------------------------------------------------------------------------------


def test_a_forced_shutdown_is_a_stop_that_its_member_is_told_the_reason_of(invoke, ecs, order):
    invoke("start-instance", userId="olga")
    ecs.comes_up(ecs.only_task())
    assert order("force-shutdown", targetUserId="olga", reason="Fire drill")["status"] == "stopping"
    ((about, message),) = told("stopped")
    assert about == "olga"
    assert "Fire drill" in message
    assert [o["action"] for o in AWS.queue if o["action"] == "finish-stop"]
    ecs.ends(ecs.only_task())
    assert "Fire drill" in status(invoke)["message"]


def test_what_does_not_run_cannot_be_shut_down(order):
    assert order("force-shutdown", targetUserId="olga")["errorCode"] == "RESOURCE_CONFLICT"
    assert order("force-shutdown", targetUserId="nobody")["errorCode"] == "RESOURCE_NOT_FOUND"


# --- sessions ----------------------------------------------------------------------------------------------


def test_any_members_session_can_be_called_off_with_a_reason(invoke, order):
    session = book(invoke, "ben", 5)
    assert order("cancel-session", sessionId=session, reason="The hall is closed")["success"]
    (shown,) = invoke("get-scheduled-sessions", userId="ben")["sessions"]
    assert shown["status"] == "cancelled"
    assert "The hall is closed" in shown["reason"]
    assert told("session-cancelled")[0][0] == "ben"
    assert invoke("license-pool-status")["availableLicenses"] == 1
    assert order("cancel-session", sessionId=session)["errorCode"] == "RESOURCE_CONFLICT"


def test_all_sessions_are_called_off_however_far_ahead_they_are(invoke, order):
    book(invoke, "ben", 24 * 89)
    done = order("cancel-all-sessions", reason="Holidays")
    assert (done["sessionsCancelled"], done["failures"]) == (1, 0)
    assert sessions(invoke, "ben") == ["cancelled"]
    assert order("cancel-all-sessions")["sessionsCancelled"] == 0


def test_sessions_that_there_was_no_time_for_are_left_for_the_next_call(
    invoke, order, freezer, meanwhile
):
    # One more than are called off side by side; none meets another, since what moto's transactions take back, when
    # they meet, takes others' writes along.
    members = [f"member-{number}" for number in range(9)]
    for member in members:
        invoke(sample("create-instance", userId=member, username=member))
        book(invoke, member, 24)
    with meanwhile("TransactWriteItems", lambda: freezer.tick(241), after=1):  # the audit is first
        first = order("cancel-all-sessions")
    assert first["left"] >= 1
    assert (first["sessionsCancelled"] + first["left"], first["failures"]) == (9, 0)
    assert "call again" in first["message"]
    again = order("cancel-all-sessions")
    assert (again["sessionsCancelled"], again["left"]) == (first["left"], 0)
    assert {sessions(invoke, member)[0] for member in members} == {"cancelled"}


# --- maintenance -------------------------------------------------------------------------------------------


def test_under_maintenance_nothing_starts_until_it_is_over(invoke, order):
    begun = order("system-maintenance", enabled=True, until=NOW + HOUR, reason="A new version")
    assert begun["maintenance"]
    refused = invoke("start-instance", userId="olga")
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert "maintained" in refused["error"]
    assert refused["details"]["until"] == NOW + HOUR
    assert order("system-maintenance", enabled=False)["maintenance"] is False
    assert invoke("start-instance", userId="olga")["success"]


def test_servers_that_run_are_told_and_stopped_ten_minutes_later(invoke, ecs, order, freezer):
    invoke("start-instance", userId="olga")
    ecs.comes_up(ecs.only_task())
    invoke("keep-alive", userId="olga", minutes=300)
    freezer.tick(280)
    order("system-maintenance", enabled=True)
    waited = 0
    while status(invoke)["status"] == "running":
        freezer.tick(60)
        waited += 60
        invoke("auto-shutdown-check", userId="system")
    ((_, message),) = told("about-to-stop")
    assert "maintained" in message
    assert "keep-alive" not in message, "which does not postpone this"
    assert 600 <= waited <= 600 + 300 + 60
    ecs.ends(ecs.only_task())
    assert invoke("shutdown-stats", userId="admin")["byCause"] == {"maintenance": 1}


def test_members_whose_session_falls_into_the_maintenance_are_told(invoke, order):
    book(invoke, "ben", 2)
    book(invoke, "olga", 30)
    answer = order("system-maintenance", enabled=True, reason="Cleaning", until=NOW + 3 * HOUR)
    assert answer["sessionsTold"] == 1
    ((about, message),) = told("maintenance")
    assert about == "ben"
    assert "Cleaning" in message


def test_a_session_that_cannot_begin_is_cancelled_with_that_reason(invoke, order, freezer):
    book(invoke, "ben", 1)
    order("system-maintenance", enabled=True)
    freezer.tick(HOUR - 300)
    for _ in range(17):
        assert invoke("prepare-sessions", userId="system")["failures"] == 0
        freezer.tick(60)
    (shown,) = invoke("get-scheduled-sessions", userId="ben")["sessions"]
    assert shown["status"] == "cancelled"
    assert "maintained" in shown["reason"]


def test_beginning_twice_keeps_the_time_at_which_servers_stop(invoke, order, freezer):
    first = order("system-maintenance", enabled=True)
    freezer.tick(120)
    again = order("system-maintenance", enabled=True, until=NOW + HOUR)
    assert again["serversStopAt"] == first["serversStopAt"]
    assert invoke("start-instance", userId="olga")["details"]["until"] == NOW + HOUR
    assert order("system-maintenance", enabled=False)["success"]
    assert order("system-maintenance", enabled=False)["success"], "there was none; no harm"


# --- repair ------------------------------------------------------------------------------------------------


def spoil(table, key, **values):
    world.client("dynamodb").update_item(
        TableName=world.table_of(table),
        Key=key,
        AttributeUpdates={n: {"Action": "PUT", "Value": v} for n, v in values.items()},
    )


def test_a_repair_that_finds_nothing_changes_nothing(invoke, ecs, order):
    invoke("start-instance", userId="ben")
    ecs.comes_up(ecs.only_task())
    invoke("request-license", userId="otto")
    before = {table: world.items(table) for table in world.TABLES if table != "audit"}
    answer = order("maintenance-reset")
    assert (answer["licensesReleased"], answer["countersMended"]) == ([], {})
    assert {table: world.items(table) for table in before} == before


def test_a_licence_held_by_a_run_that_is_over_is_released(invoke, order):
    (license,) = [item for item in world.licenses() if item.get("pool")]
    key = {"licenseId": {"S": license["licenseId"]}}
    spoil("licenses", key, holder={"S": "a run of long ago"}, holderUserId={"S": "ben"})
    assert invoke("license-pool-status")["availableLicenses"] == 0
    assert order("maintenance-reset")["licensesReleased"] == [license["licenseId"]]
    assert invoke("license-pool-status")["availableLicenses"] == 1


def test_a_lease_that_ran_out_is_cleared_away(invoke, order, freezer):
    leased = invoke("request-license", userId="ben")["licenseId"]
    freezer.tick(901)
    assert order("maintenance-reset")["licensesReleased"] == [leased]
    assert not [item for item in world.items("licenses") if "leased" in item]


def test_counters_that_do_not_agree_are_mended_and_reported(invoke, ecs, order):
    invoke("start-instance", userId="olga")
    ecs.comes_up(ecs.only_task())
    ecs.ends(ecs.only_task())
    shards = [item for item in world.items("ledger") if item["account"] == "#counters"]
    for shard in shards[:2]:
        key = {"account": {"S": "#counters"}, "entry": {"S": shard["entry"]}}
        spoil("ledger", key, running={"N": "7"}, seconds={"N": "12345"})
    assert disagreements(world.items)
    mended = order("maintenance-reset")["countersMended"]
    assert {shard["entry"] for shard in shards[:2]} == set(mended)
    assert all(report["said"]["running"] == 7 for report in mended.values())
    assert disagreements(world.items) == {}
    assert order("maintenance-reset")["message"] == "All was as it should be"


def test_maintenance_that_is_repeated_says_only_what_is_said_then(invoke):
    invoke(sample("admin-system-maintenance", userId="admin", until=int(time.time()) + 7200))
    invoke(sample("admin-system-maintenance", userId="admin", until=None, reason=None))
    (noted,) = (item for item in world.items("registry") if item["name"] == "maintenance")
    assert not {"until", "reason"} & set(noted)
