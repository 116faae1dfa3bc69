"""move-session: the new time in place of the old one, or the old one stays."""

from __future__ import annotations

import pytest

from tests import world
from tests.aws_calls import AWS
from tests.community import borrower, owner
from tests.world import sample

pytestmark = pytest.mark.slow

TICK = sample("auto-shutdown-check")
NOW = 1772395200  # 2026-03-01T20:00:00Z
HOUR = 3600


@pytest.fixture
def booked(pool, invoke):
    asked = {"userId": "ben", "startTime": NOW + HOUR, "duration": 60}
    return invoke("schedule-session", **asked)["sessionId"]


@pytest.fixture
def played(booked, invoke, ecs, freezer):
    freezer.move_to("2026-03-01T20:55:01Z")
    invoke(sample("prepare-sessions"))
    ecs.comes_up(ecs.only_task())
    freezer.tick(60)
    invoke(sample("prepare-sessions"))
    return booked


def move(invoke, session_id, user="ben", **changes):
    return invoke("move-session", userId=user, sessionId=session_id, **changes)


def shown(invoke):
    (session,) = invoke("get-scheduled-sessions", userId="ben")["sessions"]
    return session["startTime"], session["duration"], session["status"]


def window():
    (license,) = world.licenses()
    (found,) = license["windows"]
    return found["begins"], found["ends"]


def test_a_session_is_moved_with_all_that_is_reserved_for_it(booked, invoke, freezer):
    answer = move(invoke, booked, startTime=NOW + 2 * HOUR, duration=90)
    assert answer == {
        "success": True,
        "sessionId": booked,
        "startTime": NOW + 2 * HOUR,
        "duration": 90,
        "message": "Session moved successfully",
    }
    assert shown(invoke) == (NOW + 2 * HOUR, 90, "scheduled")
    assert window() == (NOW + 2 * HOUR - 600, NOW + 2 * HOUR + 90 * 60 + 900)
    freezer.move_to("2026-03-01T21:55:01Z")
    assert invoke(sample("prepare-sessions"))["instancesStarted"] == 1


def test_a_session_may_be_moved_into_its_own_time(booked, invoke):
    assert move(invoke, booked, startTime=NOW + HOUR + 600)["success"]
    assert move(invoke, booked, duration=180)["success"]
    assert shown(invoke) == (NOW + HOUR + 600, 180, "scheduled")


def test_a_time_that_cannot_be_had_leaves_the_old_one(booked, invoke):
    taken = {"userId": "cleo", "startTime": NOW + 4 * HOUR, "duration": 60}
    assert invoke("schedule-session", **taken)["success"]
    refused = move(invoke, booked, startTime=NOW + 4 * HOUR)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert shown(invoke) == (NOW + HOUR, 60, "scheduled")
    later = NOW + 4 * HOUR + 60 * refused["details"]["minutesLater"]
    assert move(invoke, booked, startTime=later)["success"]


def test_two_moves_at_once_leave_one_time(booked, invoke, meanwhile):
    with meanwhile("TransactWriteItems", lambda: move(invoke, booked, startTime=NOW + 3 * HOUR)):
        assert move(invoke, booked, startTime=NOW + 5 * HOUR)["success"]
    assert window()[0] == shown(invoke)[0] - 600


def test_a_session_that_is_cancelled_meanwhile_is_not_moved(booked, invoke, meanwhile):
    def cancel():
        invoke("cancel-scheduled-session", userId="ben", sessionId=booked)

    with meanwhile("TransactWriteItems", cancel):
        assert move(invoke, booked, duration=90)["errorCode"] == "RESOURCE_CONFLICT"
    (license,) = world.licenses()
    assert license["windows"] == []


def test_nobody_moves_another_members_session(booked, invoke):
    refused = move(invoke, booked, user="cleo", duration=90)
    assert refused["errorCode"] == "RESOURCE_NOT_FOUND"


def test_a_move_that_changes_nothing_says_what_can_be_changed(booked, invoke):
    refused = move(invoke, booked)
    assert refused["errorCode"] == "VALIDATION_ERROR"
    assert "duration" in refused["details"]["suggestion"]


def test_a_session_that_is_played_can_be_made_longer_and_is_then_completed_later(
    played, invoke, freezer
):
    refused = move(invoke, played, startTime=NOW + 3 * HOUR)
    assert refused["details"]["field"] == "startTime"
    assert move(invoke, played, duration=120)["success"]
    freezer.move_to("2026-03-01T22:30:00Z")
    invoke(sample("prepare-sessions"))
    assert shown(invoke) == (NOW + HOUR, 120, "running")
    freezer.move_to("2026-03-01T23:00:01Z")
    invoke(sample("prepare-sessions"))
    assert shown(invoke)[2] == "completed"


def test_a_session_that_is_played_is_not_made_so_short_that_it_would_have_been_over(
    played, invoke, freezer
):
    freezer.move_to("2026-03-01T21:30:00Z")
    refused = move(invoke, played, duration=30)
    assert refused["errorCode"] == "VALIDATION_ERROR"
    assert (refused["details"]["field"], refused["details"]["value"]) == ("duration", 30)
    assert "cancel-scheduled-session" in refused["details"]["suggestion"]
    assert move(invoke, played, duration=31)["success"]


def test_a_session_that_is_played_is_not_made_longer_into_another_ones_time(played, invoke):
    taken = {"userId": "cleo", "startTime": NOW + 3 * HOUR, "duration": 60}
    assert invoke("schedule-session", **taken)["success"]
    assert move(invoke, played, duration=120)["errorCode"] == "RESOURCE_CONFLICT"
    assert move(invoke, played, duration=75)["success"]


@pytest.mark.parametrize("after", [True, False])
def test_a_session_that_is_played_on_a_licence_that_was_taken_back_is_not_made_longer(
    played, invoke, after
):
    back = {"userId": "olga", "allowLicenseSharing": False, "afterSessions": after}
    assert invoke("set-license-sharing", **back)["success"]
    refused = move(invoke, played, duration=61)
    assert refused["details"]["field"] == "duration"
    assert "when it was to" in refused["details"]["suggestion"]
    assert move(invoke, played, duration=50)["success"]
    assert not move(invoke, played, duration=51)["success"]
    back["allowLicenseSharing"] = True
    assert invoke("set-license-sharing", **back)["success"]
    assert move(invoke, played, duration=61)["success"]


@pytest.mark.parametrize("changes", [{"duration": 30}, {"world": "other"}])
def test_a_session_on_a_licence_that_leaves_after_it_may_become_shorter_and_change_its_world(
    booked, invoke, changes
):
    back = {"userId": "olga", "allowLicenseSharing": False, "afterSessions": True}
    assert invoke("set-license-sharing", **back)["success"]
    assert move(invoke, booked, **changes)["success"]
    assert not move(invoke, booked, duration=61)["success"]
    assert not move(invoke, booked, startTime=NOW + HOUR - 60, duration=30)["success"]


@pytest.fixture
def early(booked, invoke, ecs, freezer):
    """Ben plays on the licence of his session before it begins, while oskar's is free."""
    owner(invoke, "oskar")
    freezer.move_to("2026-03-01T20:35:00Z")
    assert invoke("start-instance", userId="ben")["success"]
    ecs.comes_up(ecs.only_task())
    playing = next(i["runLicense"] for i in world.items("instances") if i["userId"] == "ben")
    return next(x["ownerId"] for x in world.licenses() if x["licenseId"] == playing)


@pytest.mark.parametrize("back", [{}, {"afterSessions": True}, {"afterSessions": False}])
@pytest.mark.parametrize("changes", [{"duration": 30}, {"world": "other"}])
def test_who_plays_early_and_changes_the_session_goes_on_playing(
    booked, early, invoke, freezer, back, changes
):
    if back:
        back = {"userId": early, "allowLicenseSharing": False, **back}
        assert invoke("set-license-sharing", **back)["success"]
    assert move(invoke, booked, **changes)["success"]
    freezer.move_to("2026-03-01T20:55:01Z")
    invoke(sample("prepare-sessions"))
    assert invoke("status", userId="ben")["status"] == "running"


@pytest.mark.parametrize("back", [{}, {"afterSessions": True}, {"afterSessions": False}])
def test_who_plays_early_and_makes_the_session_longer_goes_on_playing(
    booked, early, invoke, freezer, back
):
    if back:
        back = {"userId": early, "allowLicenseSharing": False, **back}
        assert invoke("set-license-sharing", **back)["success"]
    moved = move(invoke, booked, duration=90)
    assert moved["success"] == (not back)
    freezer.move_to("2026-03-01T20:55:01Z")
    invoke(sample("prepare-sessions"))
    assert invoke("status", userId="ben")["status"] == "running", moved


def test_who_plays_early_may_move_the_session_to_where_only_another_licence_is_free(
    booked, early, invoke
):
    later = {"startTime": NOW + 3 * HOUR, "duration": 60}
    for user in (early, "cleo"):
        assert invoke("schedule-session", userId=user, **later)["success"]
    (played,) = [x for x in world.licenses() if x["ownerId"] == early]
    (other,) = [w["sessionId"] for x in world.licenses() if x != played for w in x["windows"]]
    whose = {s["sessionId"]: s["userId"] for s in world.items("sessions")}[other]
    assert invoke("cancel-scheduled-session", userId=whose, sessionId=other)["success"]
    assert move(invoke, booked, startTime=NOW + 3 * HOUR)["success"]
    assert shown(invoke) == (NOW + 3 * HOUR, 60, "scheduled")
    assert invoke("status", userId="ben")["status"] == "running"


def test_an_owner_who_plays_early_on_anothers_licence_displaces_nobody_on_the_own_one(
    booked, early, invoke, ecs, freezer
):
    """Ben had played on the own one, when the owner booked."""
    mine = {"userId": early, "startTime": NOW + HOUR, "duration": 60}
    session_id = invoke("schedule-session", **mine)["sessionId"]
    bens = ecs.only_task()
    assert invoke("start-instance", userId=early)["success"]
    (task,) = set(ecs.tasks()) - {bens}
    ecs.comes_up(task)
    assert invoke("cancel-scheduled-session", userId="ben", sessionId=booked)["success"]
    borrower(invoke, "dora")
    for user in ("cleo", "dora"):
        later = {"userId": user, "startTime": NOW + 2 * HOUR + 30 * 60, "duration": 60}
        assert invoke("schedule-session", **later)["success"]
    refused = move(invoke, session_id, user=early, duration=120)
    assert "booked for another one" in refused["error"]
    statuses = {s["userId"]: s["status"] for s in world.items("sessions")}
    assert (statuses["cleo"], statuses["dora"]) == ("scheduled", "scheduled")


def test_a_session_played_early_on_a_kept_licence_taken_back_is_not_lost_by_moving_it(
    booked, invoke, ecs, freezer
):
    freezer.move_to("2026-03-01T20:35:00Z")
    assert invoke("start-instance", userId="ben")["success"]
    ecs.comes_up(ecs.only_task())
    assert invoke("destroy-instance", userId="olga", keepLicenseSharing=True)["success"]
    for _ in range(3):
        invoke(TICK)
        freezer.tick(20)
    assert invoke("set-license-sharing", userId="olga", allowLicenseSharing=False)["success"]
    invoke(TICK)
    assert shown(invoke) == (NOW + HOUR, 60, "scheduled")
    assert not move(invoke, booked, startTime=NOW + HOUR + 40 * 60, duration=20)["success"]
    freezer.tick(300)
    invoke(TICK)
    assert shown(invoke) == (NOW + HOUR, 60, "scheduled")


def test_an_owners_session_is_not_moved_beyond_the_leaving_of_the_licence_that_was_kept(
    pool, invoke, freezer
):
    assert invoke("destroy-instance", userId="olga", keepLicenseSharing=True)["success"]
    for _ in range(3):
        freezer.tick(310)
        invoke(TICK)
    borrower(invoke, "olga")
    mine = {"userId": "olga", "startTime": NOW + 3 * HOUR, "duration": 60}
    session_id = invoke("schedule-session", **mine)["sessionId"]
    last = {"userId": "cleo", "startTime": NOW + 24 * HOUR, "duration": 60}
    assert invoke("schedule-session", **last)["success"]
    back = {"userId": "olga", "allowLicenseSharing": False, "afterSessions": True}
    assert invoke("set-license-sharing", **back)["success"]
    assert not move(invoke, session_id, user="olga", startTime=NOW + 48 * HOUR)["success"]
    assert move(invoke, session_id, user="olga", duration=30)["success"]


@pytest.mark.parametrize("changes", [{"duration": 30}, {"world": "other"}])
def test_a_session_whose_licence_is_about_to_be_left_may_become_shorter_and_change_its_world(
    booked, invoke, ecs, freezer, changes
):
    borrower(invoke, "dora")
    assert invoke("start-instance", userId="dora")["success"]
    ecs.comes_up(ecs.only_task())
    freezer.move_to("2026-03-01T20:45:00Z")
    invoke(sample("prepare-sessions"))
    assert shown(invoke) == (NOW + HOUR, 60, "scheduled")
    assert move(invoke, booked, **changes)["success"]


def test_a_session_that_is_over_is_not_moved(booked, invoke):
    invoke("cancel-scheduled-session", userId="ben", sessionId=booked)
    refused = move(invoke, booked, duration=90)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert refused["details"]["status"] == "cancelled"


def test_a_session_whose_server_was_stopped_is_not_kept_by_making_it_longer(
    played, invoke, ecs, freezer
):
    task = ecs.only_task()
    freezer.move_to("2026-03-01T21:50:00Z")
    invoke("stop-instance", userId="ben")
    ecs.ends(task)
    assert move(invoke, played, duration=24 * 60)["success"]
    freezer.move_to("2026-03-01T22:06:00Z")
    invoke(sample("prepare-sessions"))
    assert shown(invoke)[2] == "completed"


def test_who_plays_the_own_session_early_does_not_give_way_to_the_owner(
    booked, invoke, ecs, freezer
):
    freezer.move_to("2026-03-01T20:35:00Z")
    assert invoke("start-instance", userId="ben")["success"]
    ecs.comes_up(ecs.only_task())
    asked = {"userId": "olga", "startTime": NOW + HOUR + 14 * 60, "duration": 60}
    assert invoke("schedule-session", **asked)["errorCode"] == "RESOURCE_CONFLICT"
    invoke("set-license-sharing", userId="olga", allowLicenseSharing=False)
    assert shown(invoke)[2] == "scheduled"


@pytest.fixture
def borrowed(booked, invoke, ecs, freezer):
    """Ben's session is about to begin, while Dora's server is still being stopped on its licence."""
    borrower(invoke, "dora")
    assert invoke("start-instance", userId="dora")["success"]
    ecs.comes_up(ecs.only_task())
    freezer.move_to("2026-03-01T20:55:01Z")
    invoke(sample("prepare-sessions"))
    assert invoke("status", userId="dora")["status"] == "stopping"
    assert shown(invoke) == (NOW + HOUR, 60, "preparing")
    return booked


@pytest.mark.parametrize("duration", [30, 90])
def test_a_session_that_waits_for_its_licence_can_be_made_shorter_or_longer(
    borrowed, invoke, duration
):
    assert move(invoke, borrowed, duration=duration)["success"]
    assert shown(invoke) == (NOW + HOUR, duration, "preparing")


def test_a_session_that_is_prepared_is_told_how_long_it_can_last(borrowed, invoke):
    taken = {"userId": "cleo", "startTime": NOW + 4 * HOUR, "duration": 60}
    assert invoke("schedule-session", **taken)["success"]
    refused = move(invoke, borrowed, duration=240)
    assert refused["details"]["field"] == "duration"
    longest = 180 - 10 - 15  # until the other one's preparation, less its own grace
    assert f"{longest} minutes" in refused["details"]["suggestion"]
    assert not move(invoke, borrowed, duration=longest + 1)["success"]
    assert move(invoke, borrowed, duration=longest)["success"]


@pytest.mark.parametrize("other", ["ben", "cleo"])
def test_a_length_that_cannot_be_had_is_refused_as_such(booked, invoke, other):
    taken = {"userId": other, "startTime": NOW + 4 * HOUR, "duration": 60}
    assert invoke("schedule-session", **taken)["success"]
    refused = move(invoke, booked, duration=240)
    assert refused["details"]["field"] == "duration"
    refused = move(invoke, booked, startTime=NOW + 4 * HOUR)
    assert refused["details"]["field"] == "startTime"


def test_whose_server_gives_way_is_told_anew_when_the_session_was_moved(
    booked, invoke, ecs, freezer, discord
):
    borrower(invoke, "dora")
    invoke("start-instance", userId="dora")
    ecs.comes_up(ecs.only_task())
    freezer.move_to("2026-03-01T20:40:01Z")
    invoke(sample("prepare-sessions"))
    move(invoke, booked, startTime=NOW + 2 * HOUR)
    freezer.move_to("2026-03-01T21:40:01Z")
    for _ in range(2):
        invoke(sample("prepare-sessions"))
        freezer.tick(60)
    for order in [o for o in AWS.queue if o["action"] == "send-notification"]:
        assert invoke(order)["success"]
    assert len([text for text in discord.texts if "stops in 10 minutes" in text]) == 2
