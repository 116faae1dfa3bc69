"""What a member is refused must really not be had, and what is promised instead must be there.

The rules of licences said a second time, in the plainest way, against everything that is stored.
"""

from __future__ import annotations

from tests.model import emulated
from tests.model.emulated import Item
from tests.model.invariants import Seen
from tests.model.simulation import BOOKED_HOURS, OPEN_SESSIONS, Answer, Event

PREPARATION, GRACE, CLOSE = 600, 900, 1800  # seconds
TOLD = 660  # by then whoever plays on a licence has been told that it is needed
LONGEST = 12 * 3600  # that a server runs
AT_REST, HALF_MADE = ("created", "stopped"), ("creating", "destroying")
Window = tuple[int, int]


def check(seen: Seen, event: Event, answer: Answer) -> None:
    """Compare an answer with what there was (`seen`) when it was asked for."""
    instance = next((i for i in seen.instances if i["userId"] == event["userId"]), None)
    if instance is None:
        return
    judge = {
        "schedule-session": _booked,
        "move-session": _moved,
        "check-availability": _available,
        "request-license": _leased,
        "start-instance": _started,
    }.get(event["action"])
    if judge:
        judge(seen, event, answer, instance)


def _moved(seen: Seen, event: Event, answer: Answer, instance: Item) -> None:
    before = seen.sessions.get(event["sessionId"])
    if before and (before["status"], before["userId"]) == ("scheduled", event["userId"]):
        left, wanted = _without(seen, before), {**before, **event}
        (itself,) = (i for i in left.instances if i["userId"] == event["userId"])
        # It may stay where it is with what it had, whoever plays there and though that was taken back; and if it is
        # played early, it has to.
        is_same_start = before["startTime"] == wanted["startTime"]
        has_less = is_same_start and wanted["duration"] <= before["duration"]
        is_played = _plays_early(seen.licenses[before["licenseId"]], before["userId"])
        if has_less:
            assert answer["success"] or "No licence" not in answer["error"]
        if not is_same_start or not (has_less or is_played) or _has_changed_licence(before):
            _booked(left, wanted, answer, itself)


def _has_changed_licence(before: Item) -> bool:
    (session,) = (s for s in emulated.items("sessions") if s["sessionId"] == before["sessionId"])
    return bool(session["licenseId"] != before["licenseId"])


def _leased(seen: Seen, event: Event, answer: Answer, instance: Item) -> None:
    if not answer["success"] and ("the pool is" in answer["error"] or "Nobody" in answer["error"]):
        assert instance["status"] in AT_REST
        found = _usable(seen, instance)
        assert not [x for x in found if _may_have(seen, x, event["userId"])]


def _started(seen: Seen, event: Event, answer: Answer, instance: Item) -> None:
    maintained = [i for i in emulated.items("registry") if i["name"] == "maintenance"]
    refused = instance["status"] in AT_REST and not answer["success"]
    if refused and "due" not in instance and not maintained:
        assert not _playable(seen, instance), answer


def _available(seen: Seen, event: Event, answer: Answer, instance: Item) -> None:
    window = _window(event)
    found = _usable(seen, instance)
    free = [x for x in found if _free(seen, x, event, *window)]
    makes_room = not free and _can_make_room(seen, instance, window)
    admitted = _admitted(seen, instance, window)
    assert answer["available"] == bool(admitted and (free or makes_room))
    if admitted:
        assert answer["freeLicenses"] == (len(free) or int(makes_room))
    assert answer["available"] or answer["reason"]
    if later := answer.get("nextStartTime", event["startTime"]) - event["startTime"]:
        there = (window[0] + later, window[1] + later)
        assert [x for x in found if _free(seen, x, event, *there)]
        assert not _own_overlaps(seen, instance, there)


def _booked(seen: Seen, event: Event, answer: Answer, instance: Item) -> None:
    window = _window(event)
    found = _usable(seen, instance)
    free = [x for x in found if _free(seen, x, event, *window)]
    if answer["success"]:
        assert _admitted(seen, instance, window)
        assert free or _can_make_room(seen, instance, window)
        _takes_what_is_free(seen, answer["sessionId"], event["userId"], window, free)
        return
    if "No licence" not in answer["error"]:
        return
    assert not free, "refused while a licence was free"
    assert not _can_make_room(seen, instance, window), "refused though the owner comes first"
    later = answer["details"].get("minutesLater")
    assert (later is None) == (not found)
    if later is not None:
        begins, ends = (moment + later * 60 for moment in window)
        free = [x for x in found if _free(seen, x, event, begins, ends)]
        assert free, "what was offered instead is not free"


def _takes_what_is_free(
    seen: Seen, session_id: str, user: str, window: Window, free: list[Item]
) -> None:
    """Nobody is evicted, nor displaced, while another licence was free."""
    (taken,) = (s for s in emulated.items("sessions") if s["sessionId"] == session_id)
    unheld = [x["licenseId"] for x in free if not _is_wanted(seen, x, user, window[0])]
    assert not unheld or taken["licenseId"] in unheld, (
        "somebody gives way though a licence was free"
    )
    assert not free or taken["licenseId"] in [x["licenseId"] for x in free], "displaced for nothing"


def _is_wanted(seen: Seen, license: Item, user: str, begins: int) -> bool:
    leased = "leaseUntil" not in license or license["leaseUntil"] > seen.now
    held = "holder" in license and leased and license["holderUserId"] != user
    return held and begins < seen.now + LONGEST


def _admitted(seen: Seen, instance: Item, window: Window) -> bool:
    """Whether the member may book that time, whatever licence is free."""
    if instance["status"] in HALF_MADE or _own_overlaps(seen, instance, window):
        return False
    others = _own(seen, instance)
    hours = sum(e - b - PREPARATION - GRACE for b, e in [*others, window]) / 3600
    return len(others) < OPEN_SESSIONS and hours <= BOOKED_HOURS


def _own(seen: Seen, instance: Item) -> list[Window]:
    booked = instance.get("bookings", [])
    return [(b["begins"], b["ends"]) for b in booked if b["ends"] > seen.now]


def _own_overlaps(seen: Seen, instance: Item, window: Window) -> bool:
    return any(b < window[1] and window[0] < e for b, e in _own(seen, instance))


def _without(seen: Seen, session: Item) -> Seen:
    """What there is but for what a session has reserved."""
    left = Seen(seen.now, seen.lives)
    left.licenses = {
        name: {**x, "windows": _others(x["windows"], session)} for name, x in seen.licenses.items()
    }
    left.sessions = seen.sessions
    left.instances = [
        {**i, "bookings": _others(i.get("bookings", []), session)} for i in seen.instances
    ]
    return left


def _others(times: list[Item], session: Item) -> list[Item]:
    return [time for time in times if time["sessionId"] != session["sessionId"]]


def _usable(seen: Seen, instance: Item) -> list[Item]:
    """The licences that a member's sessions may have: the own one and those of the pool."""
    own = instance.get("licenseId")
    return [x for x in seen.licenses.values() if x["licenseId"] == own or _is_shared(x)]


def _can_make_room(seen: Seen, owner: Item, window: Window) -> bool:
    """Whether the owner's licence is reserved only by others' sessions that have not begun."""
    license = seen.licenses.get(owner.get("licenseId", ""))
    if license is None or _is_played_on(seen, license, owner["userId"], window[0]):
        return False
    in_the_way = [seen.sessions[w["sessionId"]] for w in _in_the_way(seen, license, *window)]
    return bool(in_the_way) and all(
        session["userId"] != owner["userId"]
        and session["status"] == "scheduled"
        and not _plays_early(license, session["userId"])
        for session in in_the_way
    )


def _plays_early(license: Item, user: str) -> bool:
    return "leaseUntil" not in license and license.get("holderUserId") == user


def _window(event: Event) -> Window:
    start = event["startTime"]
    return start - PREPARATION, start + event["duration"] * 60 + GRACE


def _in_the_way(seen: Seen, license: Item, begins: int, ends: int) -> list[Item]:
    """The booked times that touch the wanted one; what is over stands in nobody's way."""
    coming = [w for w in license["windows"] if w["ends"] > seen.now]
    return [w for w in coming if w["begins"] < ends and begins < w["ends"]]


def _free(seen: Seen, license: Item, event: Event, begins: int, ends: int) -> bool:
    played_on = _is_played_on(seen, license, event["userId"], begins)
    return not played_on and not _in_the_way(seen, license, begins, ends)


def _is_played_on(seen: Seen, license: Item, user: str, begins: int) -> bool:
    """Whether somebody else's server runs on it who could not be told in time."""
    runs = "holder" in license and "leaseUntil" not in license
    return runs and license["holderUserId"] != user and begins < seen.now + TOLD


def _is_shared(license: Item) -> bool:
    return "pool" in license and "leaving" not in license


def _playable(seen: Seen, instance: Item) -> list[Item]:
    """The licences that a member could start on now."""
    found = _usable(seen, instance)
    if instance["licenseType"] == "byol":
        found = [seen.licenses[instance["licenseId"]]]
    booked = [b for b in instance.get("bookings", []) if b["begins"] <= seen.now < b["ends"]]
    if booked:
        found = [x for x in seen.licenses.values() if x["licenseId"] == booked[0]["licenseId"]]
    return [x for x in found if _may_have(seen, x, instance["userId"])]


def _may_have(seen: Seen, license: Item, user: str) -> bool:
    """No server runs on it, and it is the member's booked time, or nobody else's lease nor booked time soon.

    A lease gives way to the licence's owner; while a licence gets another key nobody may have it.
    """
    now, until = seen.now, license.get("leaseUntil")
    if ("holder" in license and until is None) or "rekeying" in license:
        return False
    for window in license["windows"]:
        if window["userId"] == user and window["begins"] <= now < window["ends"]:
            return True
    others = until and until > now and license["holderUserId"] != user
    if others and license["ownerId"] != user:
        return False
    return not [
        w
        for w in license["windows"]
        if w["userId"] != user and now < w["ends"] and w["begins"] < now + CLOSE
    ]
