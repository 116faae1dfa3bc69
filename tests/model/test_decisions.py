"""The decisions, which are pure functions: who may have a licence when, and when a server stops by itself."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from actions.instances.idling import (
    NOTICE_SECONDS,
    idle_since,
    is_idle,
    is_near,
    is_time,
    next_look,
    planned_stop,
)
from actions.licenses import rules
from actions.licenses.reservations import booking_in_play
from services.settings import Settings
from tests.foundry_server import NO_WORLD, NOBODY_PLAYS, playing

NOW = 1772395200  # 2026-03-01T20:00:00Z
MINUTE, HOUR = 60, 3600
LOOK_SECONDS = 300
PROVEN_SECONDS = 2 * LOOK_SECONDS + MINUTE
PLATFORM = Settings.model_construct(
    preparation_seconds=600,
    grace_seconds=900,
    idle_seconds=1800,
    overrun_seconds=HOUR,
    on_demand_seconds=6 * HOUR,
    longest_seconds=12 * HOUR,
)

# --- what Foundry says -----------------------------------------------------------------------------------

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)
statuses = st.fixed_dictionaries(
    {}, optional={"active": anything, "version": anything, "users": anything, "world": anything}
)


@given(statuses)
def test_a_server_is_idle_only_if_it_says_that_no_world_runs_or_nobody_is_in_it(said):
    idle = is_idle(said)
    no_world = said.get("active") is False
    nobody = said.get("active") is True and said.get("users") == 0
    assert not idle or no_world or ("version" in said and nobody)


@given(st.integers(1, 100))
def test_a_server_with_users_is_in_use(users):
    assert is_idle(playing(users)) is False


# --- when a server stops ---------------------------------------------------------------------------------


@st.composite
def servers(draw):
    """A running server, which may have a session, a wish to be kept, an earlier look, a setting of its own."""
    up = NOW - draw(st.integers(0, 12 * HOUR))
    server = {"upSince": up}
    if draw(st.booleans()):
        server["keepUntil"] = up + draw(st.integers(0, PLATFORM.longest_seconds))
    if draw(st.booleans()):
        server["idleSeconds"] = draw(st.integers(10 * MINUTE, HOUR))
    if draw(st.booleans()):
        server["idleSince"] = draw(st.integers(up, NOW))
        server["idleProvenAt"] = NOW - draw(st.integers(0, 2 * LOOK_SECONDS))
    if draw(st.booleans()):
        begins = NOW + draw(st.integers(-6 * HOUR, HOUR))
        ends = begins + 25 * MINUTE + draw(st.integers(15, 300)) * MINUTE
        server["bookings"] = [{"sessionId": "s", "licenseId": "l", "begins": begins, "ends": ends}]
    return server


def plan(server, now=NOW, since=None):
    return planned_stop(server, booking_in_play(server, now), since, PLATFORM)


def allowed(server):
    return min(server.get("idleSeconds", PLATFORM.idle_seconds), PLATFORM.idle_seconds)


@given(servers(), st.none() | statuses.filter(lambda said: is_idle(said) is None))
def test_a_look_that_proves_nothing_changes_nothing(server, said):
    before = server.get("idleSince")
    since = idle_since(server, is_idle(said), NOW)
    assert since == before
    assert plan(server, since=since) == plan(server, since=before)


@given(servers(), st.integers(HOUR, 6 * HOUR))
def test_what_was_proven_long_ago_is_forgotten_when_nothing_more_is_proven(server, ago):
    server["idleProvenAt"] = NOW - ago
    assert idle_since(server, None, NOW) is None


@given(servers(), st.sampled_from([NOBODY_PLAYS, NO_WORLD, playing(1)]))
def test_a_server_is_idle_since_the_first_of_the_looks_that_found_it_so(server, said):
    since = idle_since(server, is_idle(said), NOW)
    assert since == (None if said == playing(1) else server.get("idleSince", NOW))


@given(servers(), st.none() | st.integers(NOW - 6 * HOUR, NOW))
def test_a_server_that_is_to_be_kept_does_not_stop_before(server, since):
    assert plan(server, since=since).at >= server.get("keepUntil", 0)


@given(servers(), st.integers(NOW - 6 * HOUR, NOW))
def test_an_idle_server_has_its_time_from_when_it_was_up_and_its_session_began(server, since):
    assume(since >= server["upSince"])
    session = booking_in_play(server, NOW)
    stop = plan(server, since=since)
    begun = session["begins"] + PLATFORM.preparation_seconds if session else 0
    if stop.why == "nobody uses it":
        assert stop.at >= max(since, server["upSince"], begun) + allowed(server)


@given(servers())
def test_a_server_in_use_runs_for_six_hours_or_an_hour_longer_than_its_session(server):
    session, kept = booking_in_play(server, NOW), server.get("keepUntil", 0)
    limit = server["upSince"] + PLATFORM.on_demand_seconds
    if session:
        limit = session["ends"] - PLATFORM.grace_seconds + PLATFORM.overrun_seconds
    assert plan(server).at == max(limit, kept)


@given(servers(), st.integers(NOW - 6 * HOUR, NOW))
def test_being_idle_never_lets_a_server_run_longer(server, since):
    assert plan(server, since=since).at <= plan(server).at


@given(servers(), st.integers(NOW - 6 * HOUR, NOW))
def test_a_member_cannot_have_an_idle_server_stop_later_than_others(server, since):
    others = {name: value for name, value in server.items() if name != "idleSeconds"}
    assert plan(server, since=since).at <= plan(others, since=since).at


@given(servers(), st.data())
@settings(max_examples=200)
def test_a_server_stops_after_a_notice_and_only_for_a_reason_that_holds(server, data):
    """The looks of some hours, each as actions/automation/auto_stop.py takes it, whenever the tick comes."""
    now, proven = NOW, []
    told: int | None = None
    server.pop("idleSince", None)
    while True:
        said = data.draw(st.sampled_from([NOBODY_PLAYS, NO_WORLD, playing(2), None]))
        proven.append((now, is_idle(said)))
        since = idle_since(server, is_idle(said), now)
        stop = plan(server, now, since)
        told = told if is_near(stop, now) else None
        if is_time(stop, told, now):
            break
        if is_near(stop, now) and told is None:
            told = now
        server = {name: value for name, value in server.items() if name != "idleSince"}
        server |= {} if since is None else {"idleSince": since}
        server |= {"idleProvenAt": now} if is_idle(said) else {}
        look = next_look(stop, told, now)
        assert now < look <= now + LOOK_SECONDS
        now = look + data.draw(st.integers(0, 2 * LOOK_SECONDS))
    assert told is not None
    assert told <= now - NOTICE_SECONDS
    assert now >= max(stop.at, server.get("keepUntil", 0))
    if "nobody uses it" in stop.why:
        last_seen_playing = max((at for at, idle in proven if idle is False), default=0)
        proofs = [at for at, idle in proven if idle and at > last_seen_playing]
        assert since in proofs
        assert now - proofs[-1] <= PROVEN_SECONDS, "nothing proves it any more"
    latest = plan(server, now).at
    assert now <= max(latest, NOW) + NOTICE_SECONDS + 6 * LOOK_SECONDS, "it runs on and on"


# --- who may have a licence ------------------------------------------------------------------------------

USERS = ("olga", "ben", "cleo")
users = st.sampled_from(USERS)


@st.composite
def licenses(draw):
    """Olga's licence: shared, leaving or neither; held by a run, by a lease, or free; booked now and then."""
    cuts = sorted(draw(st.sets(st.integers(-120, 480), max_size=8)))  # minutes from now
    windows = [
        {
            "sessionId": str(i),
            "userId": draw(users),
            "begins": NOW + b * MINUTE,
            "ends": NOW + e * MINUTE,
        }
        for i, (b, e) in enumerate(pairwise(cuts))
        if draw(st.booleans())
    ]
    license = {
        "licenseId": "l",
        "ownerId": "olga",
        "version": 0,
        "windows": windows,
        "lastUsedAt": 0,
    }
    if draw(st.booleans()):
        license["pool"] = "shared"
    if draw(st.booleans()):
        license["leaving"] = True
    if draw(st.booleans()):
        license |= {"holder": "a run or a lease", "holderUserId": draw(users)}
        if draw(st.booleans()):
            license["leaseUntil"] = NOW + draw(st.integers(-900, 900))
    return license


def runs(license):
    return "holder" in license and "leaseUntil" not in license


@given(licenses(), users)
def test_nobody_may_have_a_licence_that_a_server_runs_on(license, user):
    assert not (runs(license) and rules.may_use(license, user, NOW))


@given(licenses())
def test_in_a_booked_time_only_the_member_who_booked_it_may_have_the_licence(license):
    begun = [w["userId"] for w in license["windows"] if w["begins"] <= NOW < w["ends"]]
    for user in USERS:
        if begun and user != begun[0]:
            assert not rules.may_use(license, user, NOW)
        elif begun and not runs(license):
            assert rules.may_use(license, user, NOW), "the booked time comes before any lease"


@given(licenses())
def test_two_members_may_have_a_licence_only_if_nobody_holds_it_or_its_owner_may_take_a_lease(
    license,
):
    may = [user for user in USERS if rules.may_use(license, user, NOW)]
    gives_way = rules.is_leased(license, NOW) and license["ownerId"] in may
    assert len(may) < 2 or gives_way or rules.holder_of(license, NOW) is None


@given(licenses(), users)
def test_only_its_owner_may_have_a_licence_outside_the_pool_unless_it_is_booked(license, user):
    if user != "olga" and not rules.is_shared(license):
        booked = rules.is_booked_by(license, user, NOW)
        assert booked or not rules.may_use(license, user, NOW)


@given(licenses(), users)
def test_a_lease_that_has_run_out_is_as_if_it_had_never_been(license, user):
    if license.get("leaseUntil", NOW + 1) <= NOW:
        held = ("holder", "holderUserId", "leaseUntil")
        free: Any = {name: value for name, value in license.items() if name not in held}
        assert rules.may_use(license, user, NOW) == rules.may_use(free, user, NOW)
        assert rules.holder_of(license, NOW) is None


@given(licenses())
def test_when_a_licence_is_expected_to_be_free_is_never_in_the_past(license):
    expected = rules.expected_free(license, NOW)
    assert expected is None or expected > NOW


windows = st.tuples(st.integers(-10, 400), st.integers(15, 180)).map(
    lambda time: (NOW + time[0] * MINUTE, NOW + sum(time) * MINUTE)
)


@given(licenses(), users, windows, st.integers(0, 59))
def test_a_booking_that_is_free_touches_no_other_and_leaves_time_for_a_notice(
    license, user, window, seconds
):
    begins, ends = window
    now = NOW + seconds
    if rules.is_free(license, user, begins, ends, now):
        ahead = [w for w in license["windows"] if w["ends"] > now]
        assert all(w["ends"] <= begins or ends <= w["begins"] for w in ahead)
        if runs(license) and license["holderUserId"] != user:
            assert begins >= now + NOTICE_SECONDS


@given(st.lists(licenses(), max_size=3), users, windows, st.integers(0, 59))
def test_the_next_free_time_is_free_and_no_earlier_whole_minute_is(found, user, window, seconds):
    (begins, ends), now = window, NOW + seconds
    free_at = rules.next_free(found, user, begins, ends, now)
    if free_at is None:
        assert found == []
        return
    for later in range(0, free_at - begins + 1, MINUTE):
        moved = (begins + later, ends + later)
        free = any(rules.is_free(license, user, *moved, now) for license in found)
        assert free == (begins + later == free_at)
