"""Nobody books the others out, and nobody gives way while another licence is free."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import world
from tests.aws_calls import AWS
from tests.community import borrower, owner
from tests.model import emulated

pytestmark = pytest.mark.slow

NOW = 1772395200  # 2026-03-01T20:00:00Z
HOUR, MINUTE = 3600, 60


def book(invoke, user, start, duration=120, **more):
    return invoke("schedule-session", userId=user, startTime=start, duration=duration, **more)


def ask(invoke, user, start, duration=120):
    return invoke("check-availability", userId=user, startTime=start, duration=duration)


def licence_of(user):
    (found,) = (x["licenseId"] for x in world.licenses() if x["ownerId"] == user)
    return found


def booked_licence(invoke, user):
    return invoke("get-scheduled-sessions", userId=user)["sessions"][-1]["licenseId"]


def notices():
    return [order["kind"] for order in AWS.queue if order["action"] == "send-notification"]


@pytest.fixture
def limited(monkeypatch):
    def to(**limits):
        for name, value in limits.items():
            monkeypatch.setenv(name, str(value))
        world.new_process()

    return to


def test_a_member_has_only_so_many_sessions_booked_at_a_time(pool, invoke, limited):
    limited(OPEN_SESSIONS=3)
    booked = [book(invoke, "ben", NOW + n * 6 * HOUR) for n in (1, 2, 3)]
    refused = book(invoke, "ben", NOW + 24 * HOUR)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert "3 sessions" in refused["error"]
    assert refused["details"]["sessions"] == 3
    assert not ask(invoke, "ben", NOW + 24 * HOUR)["available"]
    assert book(invoke, "cleo", NOW + 24 * HOUR)["success"]
    invoke("cancel-scheduled-session", userId="ben", sessionId=booked[0]["sessionId"])
    assert book(invoke, "ben", NOW + 48 * HOUR)["success"]


def test_a_member_has_only_so_many_hours_booked_at_a_time(pool, invoke, limited):
    limited(BOOKED_HOURS=10)
    assert book(invoke, "ben", NOW + HOUR, 6 * 60)["success"]
    refused = book(invoke, "ben", NOW + 24 * HOUR, 4 * 60 + 1)
    assert refused["details"]["mostHours"] == 10
    assert book(invoke, "ben", NOW + 24 * HOUR, 4 * 60)["success"]


def test_what_is_over_counts_no_more(pool, invoke, limited, freezer):
    limited(OPEN_SESSIONS=1)
    book(invoke, "ben", NOW + HOUR, 60)
    freezer.tick(2 * HOUR + 901)
    assert book(invoke, "ben", NOW + 12 * HOUR)["success"]


def test_who_books_twice_at_once_does_not_get_past_the_limit(pool, invoke, limited, meanwhile):
    limited(OPEN_SESSIONS=1)
    with meanwhile("TransactWriteItems", lambda: book(invoke, "ben", NOW + 12 * HOUR)):
        assert book(invoke, "ben", NOW + HOUR)["errorCode"] == "RESOURCE_CONFLICT"
    (instance,) = (i for i in world.items("instances") if i["userId"] == "ben")
    assert len(instance["bookings"]) == 1


def test_a_spent_budget_books_nothing_but_what_is_booked_takes_place(
    pool, invoke, ecs, freezer, limited
):
    limited(PRICES="1,0,0,0", BUDGET_PER_USER=1)
    booked = book(invoke, "ben", NOW + 4 * HOUR, 60)
    assert invoke("start-instance", userId="ben")["success"]
    ecs.comes_up(ecs.only_task())
    freezer.tick(90 * MINUTE)
    ecs.ends(ecs.only_task())
    refused = book(invoke, "ben", NOW + 24 * HOUR)
    assert "budget" in refused["error"]
    assert "budget" in ask(invoke, "ben", NOW + 24 * HOUR)["reason"]
    moved = {"userId": "ben", "sessionId": booked["sessionId"]}
    assert "budget" in invoke("move-session", **moved, duration=600)["error"]
    assert invoke("move-session", **moved, duration=45)["success"]
    freezer.move_to("2026-03-01T23:55:00Z")
    assert invoke(world.sample("prepare-sessions"))["instancesStarted"] == 1


def test_a_licence_that_nobody_uses_is_booked_before_one_that_is_in_use(pool, invoke, ecs):
    owner(invoke, "oskar")
    invoke("start-instance", userId="olga")
    ecs.comes_up(ecs.only_task())
    assert book(invoke, "ben", NOW + 25 * MINUTE)["success"]
    assert booked_licence(invoke, "ben") == licence_of("oskar")


def test_an_owner_whose_licence_is_lent_takes_a_free_one(pool, invoke, ecs, freezer):
    freezer.tick(60)
    owner(invoke, "oskar")
    invoke("request-license", userId="ben")  # olga's, unused for longest
    invoke("start-instance", userId="ben")
    ecs.comes_up(ecs.only_task())
    assert book(invoke, "olga", NOW + 25 * MINUTE)["success"]
    assert booked_licence(invoke, "olga") == licence_of("oskar")


def test_who_starts_gets_a_licence_that_nobody_needs_for_longer(pool, invoke, freezer):
    freezer.tick(60)
    owner(invoke, "oskar")  # olga's is unused for longer, but booked for soon
    book(invoke, "cleo", NOW + 2 * HOUR)
    assert booked_licence(invoke, "cleo") == licence_of("olga")
    invoke("start-instance", userId="ben")
    (run,) = world.items("runs")
    assert run["licenseId"] == licence_of("oskar")


def test_a_session_gives_way_to_the_owner_only_together_with_the_owners_booking(
    pool, invoke, meanwhile
):
    book(invoke, "ben", NOW + HOUR)

    def somebody_is_quicker():
        book(invoke, "cleo", NOW + 4 * HOUR)
        return book(invoke, "cleo", NOW + 8 * HOUR)

    with meanwhile("TransactWriteItems", somebody_is_quicker):
        assert book(invoke, "olga", NOW + HOUR)["success"]
    shown = invoke("get-scheduled-sessions", userId="ben")["sessions"]
    assert [session["status"] for session in shown] == ["cancelled"]
    assert notices() == ["session-cancelled"]


def test_nobodys_session_is_cancelled_for_an_owner_who_cannot_have_the_time(
    pool, invoke, meanwhile
):
    book(invoke, "ben", NOW + HOUR)

    def she_is_destroyed():
        invoke("destroy-instance", userId="olga")

    with meanwhile("TransactWriteItems", she_is_destroyed):
        assert not book(invoke, "olga", NOW + HOUR)["success"]
    assert notices() == ["session-cancelled"]  # by the destroying, once


def test_who_plays_tonight_keeps_no_owner_from_what_another_has_booked_for_tomorrow(
    pool, invoke, ecs
):
    invoke("start-instance", userId="ben")  # on olga's licence
    ecs.comes_up(ecs.only_task())
    book(invoke, "cleo", NOW + 24 * HOUR)
    assert ask(invoke, "olga", NOW + 24 * HOUR)["available"]
    assert book(invoke, "olga", NOW + 24 * HOUR)["success"]
    (shown,) = invoke("get-scheduled-sessions", userId="cleo")["sessions"]
    assert shown["status"] == "cancelled"
    assert invoke("status", userId="ben")["status"] == "running"


def test_the_owner_comes_first_also_shortly_before_while_nobody_plays(pool, invoke):
    book(invoke, "ben", NOW + 12 * MINUTE)
    assert book(invoke, "olga", NOW + 12 * MINUTE)["success"]
    (shown,) = invoke("get-scheduled-sessions", userId="ben")["sessions"]
    assert shown["status"] == "cancelled"


def test_two_sessions_that_give_way_are_moved_together(pool, invoke):
    for user, hours in (("ben", 1), ("cleo", 4)):
        book(invoke, user, NOW + hours * HOUR, 60)
    owner(invoke, "oskar")
    book(invoke, "oskar", NOW + 10 * HOUR, 60)  # so that olga cannot have his for all that time
    assert book(invoke, "olga", NOW + HOUR, 10 * 60)["success"]
    for user in ("ben", "cleo"):
        (shown,) = invoke("get-scheduled-sessions", userId=user)["sessions"]
        assert (shown["status"], shown["licenseId"]) == ("scheduled", licence_of("oskar"))


@pytest.mark.slow
@settings(
    max_examples=40,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["olga", "ben", "cleo"]),
            st.integers(0, 16),
            st.sampled_from([30, 90, 300]),
        ),
        min_size=2,
        max_size=7,
    )
)
def test_what_is_said_to_be_available_is_booked_and_what_is_not_is_refused(
    pool, invoke, limited, wishes
):
    limited(OPEN_SESSIONS=3, BOOKED_HOURS=8)
    copy = emulated.Copy()
    for user, halves, duration in wishes:
        wish = (user, NOW + HOUR + halves * 1800, duration)
        said = ask(invoke, *wish)
        assert said["available"] == book(invoke, *wish)["success"], wish
        if not said["available"] and "nextStartTime" in said and user != "olga":
            later = ask(invoke, user, said["nextStartTime"], duration)
            assert later["available"] or "booked" in later["reason"]
    copy.restore()


def test_a_borrower_starts_early_on_the_licence_of_the_own_session(pool, invoke, ecs, freezer):
    freezer.tick(60)
    owner(invoke, "oskar")
    book(invoke, "ben", NOW + HOUR)
    freezer.move_to("2026-03-01T20:51:00Z")
    assert invoke("start-instance", userId="ben")["success"]
    (run,) = world.items("runs")
    assert run["licenseId"] == booked_licence(invoke, "ben")


def test_who_waits_for_the_licence_of_the_own_session_takes_no_other(pool, invoke, ecs, freezer):
    invoke("start-instance", userId="cleo")
    ecs.comes_up(ecs.only_task())
    book(invoke, "ben", NOW + HOUR)
    owner(invoke, "oskar")
    freezer.move_to("2026-03-01T20:51:00Z")
    refused = invoke("start-instance", userId="ben")
    assert "starts by itself" in refused["details"]["suggestion"]


def test_a_lease_needs_a_server_at_rest(pool, invoke):
    assert invoke("request-license", userId="nobody")["errorCode"] == "RESOURCE_NOT_FOUND"
    invoke("start-instance", userId="ben")
    refused = invoke("request-license", userId="ben")
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert refused["details"]["status"] == "starting"


def test_a_licence_cannot_be_kept_by_leases_for_ever(pool, invoke, freezer):
    borrower(invoke, "dora")
    first = invoke("request-license", userId="ben")
    held = first["reservedUntil"]
    for _ in range(5):
        freezer.tick(600)
        answer = invoke("request-license", userId="ben")
        held = answer.get("reservedUntil", held)
    assert answer["errorCode"] == "RESOURCE_CONFLICT"
    assert held == NOW + 45 * MINUTE
    assert invoke("request-license", userId="dora")["success"]
    freezer.move_to("2026-03-01T21:01:00Z")
    invoke("release-license", userId="dora")
    assert invoke("request-license", userId="ben")["success"]


def test_giving_a_lease_back_makes_it_no_longer(pool, invoke, freezer):
    for _ in range(5):
        invoke("request-license", userId="ben")
        freezer.tick(600)
        invoke("release-license", userId="ben")
    assert invoke("request-license", userId="ben")["errorCode"] == "RESOURCE_CONFLICT"


def test_a_start_between_two_leases_makes_them_no_longer(pool, invoke, ecs, freezer):
    for _ in range(5):
        invoke("request-license", userId="ben")
        freezer.tick(540)
        if invoke("start-instance", userId="ben")["success"]:
            ecs.comes_up(ecs.only_task())
            freezer.tick(60)
            ecs.ends(ecs.only_task())
    assert invoke("request-license", userId="ben")["errorCode"] == "RESOURCE_CONFLICT"
    assert invoke("request-license", userId="cleo")["success"]


def test_who_has_played_for_long_may_lease_anew(pool, invoke, ecs, freezer):
    for _ in range(4):
        invoke("request-license", userId="ben")
        freezer.tick(600)
    invoke("start-instance", userId="ben")
    ecs.comes_up(ecs.only_task())
    freezer.tick(HOUR)
    ecs.ends(ecs.only_task())
    leased = invoke("request-license", userId="ben")
    assert leased["reservedUntil"] == NOW + 4 * 600 + HOUR + 15 * MINUTE


def test_a_lease_ends_when_its_licence_is_taken_out_of_the_pool(pool, invoke):
    invoke("request-license", userId="ben")
    invoke("set-license-sharing", userId="olga", allowLicenseSharing=False)
    (license,) = world.licenses()
    assert "holder" not in license
    assert invoke("destroy-instance", userId="olga")["success"]


@pytest.mark.parametrize("typed", ["{}", "lower", "bare"])
def test_one_key_is_one_licence_however_it_is_typed(pool, invoke, typed):
    key = world.license_key("olga")
    key = {"{}": key, "lower": key.lower(), "bare": key.replace("-", "")}[typed]
    event = world.sample("create-instance", userId="dora", username="Dora") | {
        "foundryLicense": key
    }
    refused = invoke(event)
    assert refused["errorCode"] == "RESOURCE_CONFLICT"
    assert "olga" not in str(refused)
    assert key not in str(refused)
    assert not [i for i in world.items("instances") if i["userId"] == "dora"]
    invoke("destroy-instance", userId="olga")
    assert invoke(event)["success"]


def test_an_owner_displaces_twenty_sessions_at_most(invoke, freezer):
    freezer.move_to("2026-03-01T20:00:00Z")
    owner(invoke, "olga")
    booked = []
    for n in range(21):
        borrower(invoke, f"ben{n}")
        answer = book(invoke, f"ben{n}", NOW + HOUR + n * 40 * MINUTE, 15)
        booked.append({"userId": f"ben{n}", "sessionId": answer["sessionId"]})
    assert book(invoke, "olga", NOW + HOUR, 24 * 60)["errorCode"] == "RESOURCE_CONFLICT"
    assert invoke("cancel-scheduled-session", **booked[0])["success"]
    assert book(invoke, "olga", NOW + HOUR, 24 * 60)["success"]
    assert [s["status"] for s in world.items("sessions")].count("cancelled") == 21
