"""Many want few licences at the same moment: one holder each, and none lost."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from functools import partial
from itertools import combinations
from typing import Any

import pytest

from services import clock
from tests import proof, world
from tests.community import borrower, owner
from tests.embedded.at_once import at_once, granted, refused

pytestmark = pytest.mark.embedded

Invoke = Callable[..., dict[str, Any]]
Item = dict[str, Any]

LICENCES = 5
SHARED_FOR_BOOKINGS = 3
SECTION = "Many at once, with real connections"
PREPARATION, GRACE = (
    600,
    900,
)  # seconds that a booking reserves beside the session (services/settings.py)
QUARTER = 900


@pytest.mark.parametrize(
    ("users", "rounds"), [(30, 2), pytest.param(300, 20, marks=pytest.mark.prove)]
)
def test_licences_that_many_ask_for_have_one_holder_each_and_none_is_lost(
    users: int, rounds: int, invoke: Invoke
) -> None:
    shared(invoke, LICENCES)
    names = [f"user-{number}" for number in range(users)]
    at_once([partial(joined, invoke, name) for name in names])
    ask = [partial(invoke, "request-license", userId=name) for name in names]
    for _ in range(rounds):
        answers = at_once(ask)

        held = {
            answer["licenseId"]: f"user-{number}"
            for number, answer in enumerate(answers)
            if answer["success"]
        }
        assert len(granted(answers)) == LICENCES == len(held)
        assert {found["licenseId"]: found["holderUserId"] for found in licences()} == held
        for answer in refused(answers):
            assert_says_why(answer)
        released = at_once(
            [partial(invoke, "release-license", userId=user) for user in held.values()]
        )
        assert not refused(released)
        assert not [found for found in licences() if "holder" in found]
    line = f"{users} users ask for {LICENCES} licences, {rounds} rounds: one holder each, none lost"
    proof.record(SECTION, line, cases=users * rounds)


@pytest.mark.parametrize(
    ("users", "rounds"), [(20, 2), pytest.param(100, 20, marks=pytest.mark.prove)]
)
def test_a_licence_given_back_while_others_ask_goes_to_one_of_them_or_is_free(
    users: int, rounds: int, invoke: Invoke
) -> None:
    shared(invoke, LICENCES)
    holders: set[str] = set()
    turns = [[f"{turn}-user-{n}" for n in range(users + LICENCES)] for turn in ("odd", "even")]
    at_once([partial(joined, invoke, name) for name in (*turns[0], *turns[1], "one-too-many")])
    for number in range(rounds):
        asking, spare = turns[number % 2][:users], turns[number % 2][users:]
        leaving = [partial(invoke, "release-license", userId=user) for user in sorted(holders)]
        coming = [partial(invoke, "request-license", userId=user) for user in asking]
        answers = at_once([*leaving, *coming])

        assert not refused(answers[: len(leaving)])
        came = answers[len(leaving) :]
        for answer in refused(came):
            assert_says_why(answer)
        holders = {user for user, answer in zip(asking, came, strict=True) if answer["success"]}
        holding = [found["holderUserId"] for found in licences() if "holder" in found]
        assert sorted(holding) == sorted(holders)
        missing = LICENCES - len(holders)  # whoever asked before they were given back went away
        late = [invoke("request-license", userId=name) for name in spare[:missing]]
        assert not refused(late)
        holders |= set(spare[:missing])
        assert_says_why(invoke("request-license", userId="one-too-many"))
    line = f"{users} users ask while {LICENCES} licences are given back, {rounds} rounds: none lost"
    proof.record(SECTION, line, cases=users * rounds)


@pytest.mark.parametrize(
    ("members", "each"), [(15, 2), pytest.param(200, 1, marks=pytest.mark.prove)]
)
def test_bookings_at_once_never_overlap_and_none_is_refused_while_a_licence_is_free(
    members: int, each: int, invoke: Invoke
) -> None:
    shared(invoke, SHARED_FOR_BOOKINGS)
    names = [f"member-{number}" for number in range(members)]
    at_once([partial(joined, invoke, name) for name in names])
    evenings = [clock.now() // QUARTER * QUARTER + day * 86400 for day in range(1, each + 1)]
    wanted = [wish for name in names for wish in wishes(name, evenings)]
    answers = at_once([partial(invoke, "schedule-session", **wish) for wish in wanted])

    booked = {found["licenseId"]: found["windows"] for found in licences()}
    for windows in booked.values():
        assert not [pair for pair in combinations(windows, 2) if overlap(*map(times, pair))]
    assert_agree(booked, granted(answers))
    for wish, answer in zip(wanted, answers, strict=True):
        if not answer["success"]:
            assert answer["errorCode"] == "RESOURCE_CONFLICT", answer
            assert answer["details"]["minutesLater"] > 0, answer
            assert all(taken(reserved(wish), windows) for windows in booked.values()), answer
    assert len(granted(answers)) >= SHARED_FOR_BOOKINGS * each
    assert refused(answers)
    line = f"{len(wanted)} bookings for {SHARED_FOR_BOOKINGS} licences: {len(granted(answers))} booked, no overlap"
    proof.record(SECTION, line + ", none refused while one was free", cases=len(wanted))


@pytest.mark.parametrize("members", [12, pytest.param(50, marks=pytest.mark.prove)])
def test_bookings_at_once_for_times_that_do_not_touch_are_all_made(
    members: int, invoke: Invoke
) -> None:
    shared(invoke, 1)
    names = [f"member-{number}" for number in range(members)]
    at_once([partial(joined, invoke, name) for name in names])
    tomorrow = clock.now() + 86400
    wanted = [
        {"userId": name, "startTime": tomorrow + number * 4 * QUARTER, "duration": 30}
        for number, name in enumerate(names)
    ]
    answers = at_once([partial(invoke, "schedule-session", **wish) for wish in wanted])

    assert not refused(answers)
    assert_agree({found["licenseId"]: found["windows"] for found in licences()}, answers)
    line = f"{members} bookings of one licence for times that do not touch: all booked"
    proof.record(SECTION, line, cases=members)


@pytest.mark.parametrize("members", [6, pytest.param(30, marks=pytest.mark.prove)])
def test_sessions_that_are_all_called_off_at_once_leave_no_licence_reserved(
    members: int, invoke: Invoke
) -> None:
    shared(invoke, SHARED_FOR_BOOKINGS)
    tomorrow = clock.now() + 86400
    for number in range(members):
        borrower(invoke, f"member-{number}")
        start = tomorrow + number * 4 * QUARTER
        booked = invoke("schedule-session", userId=f"member-{number}", startTime=start, duration=30)
        assert booked["success"], booked

    done = invoke("admin-cancel-all-sessions", userId="admin", reason="Holidays")

    assert (done["sessionsCancelled"], done["failures"]) == (members, 0)
    assert {found["status"] for found in world.items("sessions")} == {"cancelled"}
    assert not [found for found in licences() if found["windows"]]
    proof.record(SECTION, f"{members} sessions called off at once: all are", cases=members)


def shared(invoke: Invoke, number: int) -> None:
    """Licences in the pool, each of an owner of its own."""
    for licence in range(number):
        owner(invoke, f"owner-{licence}")


def joined(invoke: Invoke, user: str) -> Item:
    borrower(invoke, user)
    return {"success": True}


def wishes(user: str, evenings: Iterable[int]) -> list[Item]:
    """A session in each evening, of up to two hours within eight; always the same for a user."""
    chance = random.Random(user)  # noqa: S311 - a spread, no secret
    return [
        {
            "userId": user,
            "startTime": evening + chance.randrange(24) * QUARTER,
            "duration": chance.choice((30, 60, 90, 120)),
        }
        for evening in evenings
    ]


def licences() -> list[Item]:
    """The licences as stored, without the notes of who leased one."""
    return [item for item in world.licenses() if "ownerId" in item]


def assert_says_why(answer: Item) -> None:
    assert answer["errorCode"] == "RESOURCE_CONFLICT", answer
    assert answer["error"] == "No licence of the pool is free.", answer
    assert answer["details"]["until"] > clock.now(), answer


def assert_agree(booked: dict[str, list[Item]], answers: list[Item]) -> None:
    """The licences' windows, the sessions and the members' own bookings are the same ones."""
    windows = {w["sessionId"]: (name, *times(w)) for name, all_ in booked.items() for w in all_}
    assert set(windows) == {answer["sessionId"] for answer in answers}
    sessions = {
        found["sessionId"]: (found["licenseId"], *reserved(found))
        for found in world.items("sessions")
    }
    assert sessions == windows
    bookings = {
        booking["sessionId"]: (booking["licenseId"], *times(booking))
        for instance in world.items("instances")
        for booking in instance.get("bookings", [])
    }
    assert bookings == windows


def reserved(session: Item) -> tuple[int, int]:
    """From when to when a session reserves its licence."""
    begins, seconds = int(session["startTime"]), int(session["duration"]) * 60
    return begins - PREPARATION, begins + seconds + GRACE


def times(window: Item) -> tuple[int, int]:
    return int(window["begins"]), int(window["ends"])


def overlap(one: tuple[int, int], other: tuple[int, int]) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def taken(wanted: tuple[int, int], windows: list[Item]) -> bool:
    return any(overlap(wanted, times(window)) for window in windows)
