"""Booking a session reserves a licence for it, and nothing ever overlaps."""

from __future__ import annotations

import pytest

from tests import world
from tests.aws_calls import AWS
from tests.community import owner

pytestmark = pytest.mark.slow

NOW = 1772395200  # 2026-03-01T20:00:00Z
HOUR = 3600


def book(invoke, user, start, duration=120, **more):
    return invoke("schedule-session", userId=user, startTime=start, duration=duration, **more)


def test_a_session_is_booked_and_shown_as_in_the_contract(pool, invoke):
    booked = book(invoke, "ben", NOW + HOUR, 120, title="Evening 12", description="The crypt")
    assert booked == {
        "success": True,
        "sessionId": booked["sessionId"],
        "startTime": NOW + HOUR,
        "duration": 120,
        "message": "Session scheduled successfully",
    }
    (shown,) = invoke("get-scheduled-sessions", userId="ben")["sessions"]
    assert shown["sessionId"] == booked["sessionId"]
    assert (shown["startTime"], shown["duration"]) == (NOW + HOUR, 120)
    assert shown["status"] == "scheduled"
    assert (shown["title"], shown["description"]) == ("Evening 12", "The crypt")


def test_the_licence_is_reserved_from_ten_minutes_before_to_a_quarter_of_an_hour_after(
    pool, invoke
):
    book(invoke, "ben", NOW + HOUR, 60)
    (window,) = world.licenses()[0]["windows"]
    assert (window["begins"], window["ends"]) == (NOW + HOUR - 600, NOW + 2 * HOUR + 900)


@pytest.mark.parametrize(
    ("start", "hint"),
    [
        (NOW * 1000, f"milliseconds: send Unix seconds, {NOW}"),
        (NOW - 1, "past"),
        (NOW + 91 * 86400, "90 days"),
    ],
)
def test_a_start_that_cannot_be_meant_is_refused_with_a_hint(pool, invoke, start, hint):
    refused = book(invoke, "ben", start)
    assert refused["errorCode"] == "VALIDATION_ERROR"
    assert refused["details"]["field"] == "startTime"
    assert hint in refused["details"]["suggestion"]


@pytest.mark.parametrize(
    ("start", "hint"),
    [
        ("1772398800", ": 1772398800 "),
        ("2026-03-01T21:00:00Z", ": 1772398800 "),
        ("2026-03-01T22:00+01:00", ": 1772398800 "),
        ("2026-03-01 21:00", ": 1772398800 "),
        ("<t:1772398800:F>", ": 1772398800 "),
        ("<t:1772398800>", ": 1772398800 "),
        (1772398800.0, ": 1772398800 "),
        (1772398800.5, "such as"),
        ("tomorrow", "such as"),
        (10**300, "such as"),
        (-1, "such as"),
        (None, "such as"),
        (True, "such as"),
        ([], "such as"),
    ],
)
def test_a_start_of_another_form_is_refused_with_the_unix_seconds_that_it_means(
    pool, invoke, start, hint
):
    refused = book(invoke, "ben", start)
    assert refused["errorCode"] == "VALIDATION_ERROR"
    assert refused["details"]["field"] == "startTime"
    said = refused["details"]["suggestion"]
    assert "Unix seconds" in said
    assert hint in said


def test_until_when_maintenance_lasts_is_hinted_at_like_a_start(invoke):
    order = {"userId": "admin", "enabled": True, "until": "<t:1772398800:R>"}
    refused = invoke("admin-system-maintenance", **order)
    assert refused["details"]["field"] == "until"
    assert "1772398800" in refused["details"]["suggestion"]


@pytest.mark.parametrize(
    ("minutes", "hint"),
    [
        (14, "14 hours are 840"),
        (2, "2 hours are 120"),
        ("2h", "2 hours are 120"),
        ("2 hours", "2 hours are 120"),
        (1.5, "1.5 hours are 90"),
        (7200, "7200 seconds are 120"),
        ("90min", "90 minutes are 90"),
        ("60", "60 minutes are 60"),
        ("15", "15 minutes are 15"),
        ("1440", "1440 minutes are 1440"),
        (90.0, "90 minutes are 90"),
        (24 * 60 + 1, "1441 seconds are 24"),
        (0, "1440."),
        (-5, "1440."),
        ("long", "1440."),
        (10**9, "1440."),
        (True, "1440."),
    ],
)
def test_a_session_is_between_a_quarter_of_an_hour_and_a_day_of_whole_minutes_long(
    pool, invoke, minutes, hint
):
    refused = book(invoke, "ben", NOW + HOUR, minutes)
    assert refused["details"]["field"] == "duration"
    said = refused["details"]["suggestion"]
    assert "minutes as a whole number from 15 to 1440" in said
    assert hint in said


def test_two_sessions_of_one_member_do_not_overlap(pool, invoke):
    owner(invoke, "oskar")
    book(invoke, "ben", NOW + HOUR)
    refused = book(invoke, "ben", NOW + 2 * HOUR)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert "another session" in refused["error"]
    (first,) = invoke("get-scheduled-sessions", userId="ben")["sessions"]
    assert refused["details"]["sessionId"] == first["sessionId"]


def test_a_booking_that_finds_no_licence_is_told_when_one_is_free(pool, invoke):
    book(invoke, "ben", NOW + HOUR, 60)
    refused = book(invoke, "cleo", NOW + HOUR, 60)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    later = refused["details"]["minutesLater"]
    assert later == 85  # the session, its grace and the next one's preparation
    assert book(invoke, "cleo", NOW + HOUR + later * 60, 60)["success"]


def test_no_time_is_offered_that_is_too_far_ahead_to_be_booked(pool, invoke):
    last = NOW + 90 * 24 * HOUR
    assert book(invoke, "ben", last - 3 * HOUR, 95)["success"]  # the next one begins an hour before
    asked = {"userId": "cleo", "startTime": last - 3 * HOUR, "duration": 60}
    assert invoke("check-availability", **asked)["nextStartTime"] == last - HOUR
    assert book(invoke, "ben", last - HOUR, 60)["success"]
    answer = invoke("check-availability", **asked)
    assert (answer["available"], "nextStartTime" in answer) == (False, False)
    refused = book(invoke, "cleo", last - 3 * HOUR, 60)
    assert "minutesLater" not in refused["details"]
    assert "earlier" in refused["details"]["suggestion"]


def test_availability_says_how_many_are_free_or_when_one_is(pool, invoke):
    asked = {"userId": "cleo", "startTime": NOW + HOUR, "duration": 60}
    assert invoke("check-availability", **asked) == {
        "success": True,
        "available": True,
        "freeLicenses": 1,
    }
    book(invoke, "ben", NOW + HOUR, 60)
    answer = invoke("check-availability", **asked)
    assert answer == {
        "success": True,
        "available": False,
        "freeLicenses": 0,
        "reason": "No licence is free for that time.",
        "nextStartTime": NOW + HOUR + 85 * 60,
    }
    assert book(invoke, "cleo", answer["nextStartTime"], 60)["success"]


def test_a_booked_time_that_is_over_stands_in_nobodys_way(pool, invoke, freezer):
    book(invoke, "ben", NOW + HOUR, 60)
    freezer.move_to("2026-03-01T22:15:00Z")  # at the end of the grace, before any tick has seen it
    now = NOW + 2 * HOUR + 900
    available = invoke("check-availability", userId="cleo", startTime=now, duration=60)
    assert available == {"success": True, "available": True, "freeLicenses": 1}
    assert book(invoke, "cleo", now, 60)["success"]
    (window,) = world.licenses()[0]["windows"]
    assert window["userId"] == "cleo"


def test_an_own_session_that_is_over_stands_in_no_other_ones_way(pool, invoke, freezer):
    book(invoke, "ben", NOW + HOUR, 60)
    freezer.move_to("2026-03-01T22:16:00Z")  # a minute after the grace, before any tick has seen it
    now = NOW + 2 * HOUR + 960
    assert book(invoke, "ben", now, 60)["success"]
    (instance,) = (i for i in world.items("instances") if i["userId"] == "ben")
    assert len(instance["bookings"]) == 1


def test_a_cancelled_session_gives_its_time_back(pool, invoke):
    booked = book(invoke, "ben", NOW + HOUR)
    assert invoke("cancel-scheduled-session", userId="ben", sessionId=booked["sessionId"]) == {
        "success": True,
        "message": "Scheduled session cancelled successfully",
    }
    assert book(invoke, "cleo", NOW + HOUR)["success"]
    (shown,) = invoke("get-scheduled-sessions", userId="ben")["sessions"]
    assert shown["status"] == "cancelled"


def test_a_session_has_a_name_of_64_characters_at_most(pool, invoke):
    unknown = invoke("cancel-scheduled-session", userId="ben", sessionId="x" * 64)
    assert unknown["errorCode"] == "RESOURCE_NOT_FOUND"
    refused = invoke("cancel-scheduled-session", userId="ben", sessionId="x" * 65)
    assert refused["errorCode"] == "VALIDATION_ERROR"


def test_the_next_session_is_shown_until_it_ends_and_not_while_its_licence_is_still_kept(
    pool, invoke, freezer
):
    first = book(invoke, "ben", NOW + HOUR, 60)["sessionId"]
    book(invoke, "ben", NOW + 24 * HOUR, 60)
    freezer.move_to("2026-03-01T21:59:59Z")
    assert invoke("status", userId="ben")["nextSession"]["sessionId"] == first
    freezer.move_to("2026-03-01T22:00:00Z")
    assert invoke("status", userId="ben")["nextSession"]["startTime"] == NOW + 24 * HOUR


def test_who_finds_the_licence_booked_for_soon_is_told_until_when(pool, invoke, freezer):
    book(invoke, "ben", NOW + HOUR, 60)
    freezer.move_to("2026-03-01T20:40:00Z")
    refused = invoke("start-instance", userId="cleo")
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert refused["details"]["until"] == NOW + 2 * HOUR + 900


def test_nobody_cancels_another_members_session(pool, invoke):
    booked = book(invoke, "ben", NOW + HOUR)
    refused = invoke("cancel-scheduled-session", userId="cleo", sessionId=booked["sessionId"])
    assert refused["errorCode"] == "RESOURCE_NOT_FOUND"


def test_an_owner_books_the_own_licence_first(pool, invoke):
    owner(invoke, "oskar")
    book(invoke, "oskar", NOW + HOUR)
    (booked,) = invoke("get-scheduled-sessions", userId="oskar")["sessions"]
    (own,) = [i for i in world.licenses() if i["ownerId"] == "oskar"]
    assert booked["licenseId"] == own["licenseId"]


def test_an_owners_booking_moves_a_borrowers_to_another_licence(pool, invoke):
    book(invoke, "ben", NOW + HOUR)
    owner(invoke, "oskar")
    book(invoke, "oskar", NOW + 5 * HOUR)  # so that olga, who plays longer, cannot have it instead
    assert book(invoke, "olga", NOW + HOUR, 300)["success"]
    (bens,) = invoke("get-scheduled-sessions", userId="ben")["sessions"]
    owners = {license["licenseId"]: license["ownerId"] for license in world.licenses()}
    assert (bens["status"], owners[bens["licenseId"]]) == ("scheduled", "oskar")


def test_an_owner_comes_first_on_the_own_licence(pool, invoke):
    book(invoke, "ben", NOW + HOUR)
    assert book(invoke, "olga", NOW + HOUR)["success"]
    (bens,) = invoke("get-scheduled-sessions", userId="ben")["sessions"]
    assert bens["status"] == "cancelled"
    assert "owner" in bens["reason"]


def test_who_is_overtaken_by_another_booking_of_the_licence_books_what_is_left(
    pool, invoke, meanwhile
):
    with meanwhile("TransactWriteItems", lambda: book(invoke, "cleo", NOW + 10 * HOUR, 60)):
        assert book(invoke, "ben", NOW + HOUR, 60)["success"]
    windows = world.licenses()[0]["windows"]
    assert sorted(window["userId"] for window in windows) == ["ben", "cleo"]


def test_who_is_overtaken_by_a_booking_of_the_same_time_is_refused(pool, invoke, meanwhile):
    with meanwhile("TransactWriteItems", lambda: book(invoke, "cleo", NOW + HOUR, 60)):
        refused = book(invoke, "ben", NOW + HOUR, 60)
    assert refused["details"]["minutesLater"] == 85
    (window,) = world.licenses()[0]["windows"]
    assert window["userId"] == "cleo"


def test_a_licence_that_leaves_the_pool_meanwhile_is_not_booked(pool, invoke, meanwhile):
    def leave():
        invoke("set-license-sharing", userId="olga", allowLicenseSharing=False)

    with meanwhile("TransactWriteItems", leave):
        assert book(invoke, "ben", NOW + HOUR)["errorCode"] == "RESOURCE_CONFLICT"
    assert invoke("get-scheduled-sessions", userId="ben")["sessions"] == []
    assert world.licenses()[0]["windows"] == []


def test_nothing_is_booked_for_a_server_that_is_destroyed_meanwhile(pool, invoke, meanwhile):
    with meanwhile("TransactWriteItems", lambda: invoke("destroy-instance", userId="ben")):
        assert book(invoke, "ben", NOW + HOUR)["errorCode"] == "RESOURCE_NOT_FOUND"
    assert world.licenses()[0]["windows"] == []


def test_a_leaving_licence_stays_until_the_last_session_of_others(pool, invoke):
    sessions = [book(invoke, user, NOW + n * HOUR, 60) for user, n in [("ben", 1), ("cleo", 4)]]
    book(invoke, "olga", NOW + 10 * HOUR)  # the owner's own keeps it in nobody's pool
    invoke("set-license-sharing", userId="olga", allowLicenseSharing=False, afterSessions=True)
    left = []
    for user, booked in zip(["ben", "cleo"], sessions, strict=True):
        invoke("cancel-scheduled-session", userId=user, sessionId=booked["sessionId"])
        left.append(invoke("license-pool-status")["totalLicenses"])
    assert left == [1, 0]


def test_a_leaving_licence_leaves_when_its_last_booking_has_moved_to_another(pool, invoke):
    book(invoke, "ben", NOW + HOUR)
    owner(invoke, "oskar")
    book(invoke, "oskar", NOW + 5 * HOUR)  # so that olga, who plays longer, cannot have it instead
    invoke("set-license-sharing", userId="olga", allowLicenseSharing=False, afterSessions=True)
    assert invoke("license-pool-status")["totalLicenses"] == 2
    assert book(invoke, "olga", NOW + HOUR, 300)["success"]
    (pooled,) = invoke("license-pool-status")["pools"]
    assert pooled["ownerId"] == "oskar"
    (bens,) = invoke("get-scheduled-sessions", userId="ben")["sessions"]
    assert (bens["status"], bens["licenseId"]) == ("scheduled", pooled["licenseId"])


def test_a_licence_leaves_the_pool_after_the_sessions_that_reserve_it(pool, invoke):
    booked = book(invoke, "ben", NOW + HOUR)
    invoke("set-license-sharing", userId="olga", allowLicenseSharing=False, afterSessions=True)
    refused = book(invoke, "cleo", NOW + 24 * HOUR)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    (shown,) = invoke("get-scheduled-sessions", userId="ben")["sessions"]
    assert shown["status"] == "scheduled"
    invoke("cancel-scheduled-session", userId="ben", sessionId=booked["sessionId"])
    assert invoke("license-pool-status")["totalLicenses"] == 0


def test_a_licence_that_leaves_at_once_cancels_what_was_booked_on_it(pool, invoke):
    book(invoke, "ben", NOW + HOUR)
    invoke("set-license-sharing", userId="olga", allowLicenseSharing=False)
    (shown,) = invoke("get-scheduled-sessions", userId="ben")["sessions"]
    assert shown["status"] == "cancelled"
    assert "out of the pool" in shown["reason"]
    (told,) = [o for o in AWS.queue if o["action"] == "send-notification"]
    assert (told["kind"], told["message"]) == ("session-cancelled", shown["reason"])


def test_a_session_that_gave_way_to_the_licences_owner_is_told_so(pool, invoke):
    book(invoke, "ben", NOW + HOUR)
    book(invoke, "olga", NOW + HOUR)
    (shown,) = invoke("get-scheduled-sessions", userId="ben")["sessions"]
    assert "owner needs it" in shown["reason"]


def test_destroying_a_server_cancels_its_sessions_and_frees_their_time(pool, invoke):
    book(invoke, "ben", NOW + HOUR)
    invoke("destroy-instance", userId="ben")
    (shown,) = invoke("get-scheduled-sessions", userId="ben")["sessions"]
    assert shown["status"] == "cancelled"
    assert book(invoke, "cleo", NOW + HOUR)["success"]


def test_destroying_an_owners_server_moves_the_sessions_that_had_booked_the_licence(pool, invoke):
    book(invoke, "ben", NOW + HOUR)
    owner(invoke, "oskar")
    invoke("destroy-instance", userId="olga")
    (shown,) = invoke("get-scheduled-sessions", userId="ben")["sessions"]
    assert shown["status"] == "scheduled"
    (left,) = world.licenses()
    assert shown["licenseId"] == left["licenseId"]


def test_an_owners_server_is_gone_only_when_all_bookings_of_the_licence_have_moved(pool, invoke):
    for user, hours in [("ben", 1), ("cleo", 4), ("ben", 8)]:
        book(invoke, user, NOW + hours * HOUR, 60)
    owner(invoke, "oskar")
    invoke("destroy-instance", userId="olga")
    (left,) = world.licenses()
    assert [window["userId"] for window in left["windows"]] == ["ben", "cleo", "ben"]
    for user in ("ben", "cleo"):
        (instance,) = (i for i in world.items("instances") if i["userId"] == user)
        assert {booking["licenseId"] for booking in instance["bookings"]} == {left["licenseId"]}


def test_destroying_a_server_ends_its_members_lease(pool, invoke):
    invoke("request-license", userId="ben")
    invoke("destroy-instance", userId="ben")
    assert invoke("request-license", userId="cleo")["success"]


def test_a_session_that_is_over_expires_after_the_days_of_the_setting(pool, invoke, monkeypatch):
    monkeypatch.setenv("SESSION_DAYS", "3")
    world.new_process()
    booked = book(invoke, "ben", NOW + HOUR, 60)
    assert "expiresAt" not in world.items("sessions")[0]
    invoke("cancel-scheduled-session", userId="ben", sessionId=booked["sessionId"])
    (session,) = world.items("sessions")
    assert session["expiresAt"] == NOW + 2 * HOUR + 3 * 86400
