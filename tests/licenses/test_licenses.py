"""Licences: one holder at a time, the owner first, nothing lost."""

from __future__ import annotations

import pytest

from tests import world
from tests.community import owner


def the_pool(invoke):
    return invoke("license-pool-status")


def test_the_pool_is_shown_as_in_the_contract(pool, invoke):
    (license,) = world.licenses()
    assert the_pool(invoke) == {
        "success": True,
        "totalLicenses": 1,
        "availableLicenses": 1,
        "inUseLicenses": 0,
        "pools": [
            {"licenseId": license["licenseId"], "ownerId": "olga", "status": "available"},
        ],
    }


def test_a_requested_licence_is_reserved_for_a_quarter_of_an_hour(pool, invoke, freezer):
    answer = invoke("request-license", userId="ben")
    assert answer["message"] == "License assigned successfully"
    (shown,) = the_pool(invoke)["pools"]
    assert shown["status"] == "reserved"
    assert shown["currentUser"] == "ben"
    assert shown["reservedUntil"] == answer["reservedUntil"]
    refused = invoke("request-license", userId="cleo")
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert refused["details"]["until"] == answer["reservedUntil"]
    freezer.tick(901)
    assert the_pool(invoke)["availableLicenses"] == 1
    assert invoke("request-license", userId="cleo")["licenseId"] == answer["licenseId"]


def test_asking_again_renews_the_same_licence(pool, invoke, freezer):
    owner(invoke, "oskar")
    first = invoke("request-license", userId="ben")
    freezer.tick(600)
    again = invoke("request-license", userId="ben")
    assert again["licenseId"] == first["licenseId"]
    assert again["reservedUntil"] == first["reservedUntil"] + 600
    assert the_pool(invoke)["availableLicenses"] == 1


@pytest.mark.parametrize("action", ["start-instance", "destroy-instance"])
def test_a_lease_gives_way_to_the_licences_owner(pool, invoke, ecs, action):
    invoke("request-license", userId="ben")
    assert invoke(action, userId="olga")["success"]
    refused = invoke("start-instance", userId="ben")
    assert refused["errorCode"] == "RESOURCE_CONFLICT"


def test_who_leased_a_licence_that_left_the_pool_gets_another_one_instead(pool, invoke):
    leased = invoke("request-license", userId="ben")["licenseId"]
    invoke("set-license-sharing", userId="olga", allowLicenseSharing=False)
    owner(invoke, "oskar")
    assert invoke("request-license", userId="ben")["licenseId"] != leased
    held = {found["licenseId"]: "holder" in found for found in world.licenses()}
    assert not held[leased]
    assert invoke("start-instance", userId="olga")["success"]


def test_a_released_licence_is_free_at_once(pool, invoke):
    invoke("request-license", userId="ben")
    assert invoke("release-license", userId="ben") == {
        "success": True,
        "message": "License released successfully",
    }
    assert the_pool(invoke)["availableLicenses"] == 1
    assert invoke("release-license", userId="ben")["errorCode"] == "RESOURCE_NOT_FOUND"


def test_the_leased_licence_is_the_one_that_the_server_starts_on(pool, invoke, ecs):
    owner(invoke, "oskar")
    leased = invoke("request-license", userId="ben")["licenseId"]
    assert invoke("start-instance", userId="ben")["success"]
    (item,) = [i for i in world.items("instances") if i["userId"] == "ben"]
    assert item["runLicense"] == leased
    shown = {p["licenseId"]: p["status"] for p in the_pool(invoke)["pools"]}
    assert shown[leased] == "in-use"
    refused = invoke("release-license", userId="ben")
    assert refused["errorCode"] == "RESOURCE_CONFLICT"


def test_the_longest_unused_licence_is_lent_first(pool, invoke, freezer, ecs):
    freezer.tick(60)
    owner(invoke, "oskar")
    first = invoke("request-license", userId="ben")["licenseId"]
    freezer.tick(60)
    invoke("release-license", userId="ben")
    assert invoke("request-license", userId="ben")["licenseId"] != first


def test_an_owner_whose_licence_is_lent_is_told_so_without_a_name(pool, invoke):
    invoke("start-instance", userId="ben")
    refused = invoke("start-instance", userId="olga")
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert "another member" in refused["error"]
    assert "ben" not in str(refused)


def test_an_owner_may_take_the_licence_out_of_the_pool(pool, invoke):
    answer = invoke("set-license-sharing", userId="olga", allowLicenseSharing=False)
    assert answer["allowLicenseSharing"] is False
    assert the_pool(invoke)["totalLicenses"] == 0
    assert invoke("request-license", userId="ben")["errorCode"] == "RESOURCE_CONFLICT"
    shared = invoke("set-license-sharing", userId="olga", allowLicenseSharing=True)
    assert "within your gaming group or family only" in shared["message"]
    assert invoke("request-license", userId="ben")["success"]


def test_a_member_without_a_licence_has_none_to_share(pool, invoke):
    refused = invoke("set-license-sharing", userId="ben", allowLicenseSharing=True)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"


def test_a_run_on_a_licence_taken_out_of_the_pool_goes_on(pool, invoke, ecs):
    invoke("start-instance", userId="ben")
    ecs.comes_up(ecs.only_task())
    invoke("set-license-sharing", userId="olga", allowLicenseSharing=False)
    assert invoke("status", userId="ben")["status"] == "running"
    assert invoke("start-instance", userId="olga")["errorCode"] == "RESOURCE_CONFLICT"
    ecs.ends(ecs.only_task())
    assert invoke("start-instance", userId="olga")["success"]
