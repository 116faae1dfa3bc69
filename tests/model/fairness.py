"""What a member is refused must really not be had, and what is promised instead must be there.

The rules of licences said a second time, in the plainest way, against everything that is stored.
"""

from __future__ import annotations

from tests.model import emulated
from tests.model.emulated import Item
from tests.model.invariants import Seen
from tests.model.simulation import Answer, Event

PREPARATION, GRACE, CLOSE = 600, 900, 1800  # seconds
TOLD = 660  # by then whoever plays on a licence has been told that it is needed
HALF_MADE = ("creating", "destroying")


def check(seen: Seen, event: Event, answer: Answer) -> None:
    """Compare an answer with what there was (`seen`) when it was asked for."""
    instance = next((i for i in seen.instances if i["userId"] == event["userId"]), None)
    match event["action"]:
        case "schedule-session" if instance:
            _booked(seen, event, answer, instance)
        case "check-availability" if instance:
            _available(seen, event, answer, instance)
        case "request-license" if not answer["success"]:
            mine = [x for x in seen.leases if x["licenseId"] == f"lease:{event['userId']}"]
            if not any(lease["until"] > seen.now for lease in mine):
                lendable = [x for x in seen.licenses.values() if _is_shared(x)]
                assert not [x for x in lendable if _may_have(seen, x, event["userId"])]
        case "start-instance" if instance and instance["status"] in ("created", "stopped"):
            maintained = [i for i in emulated.items("registry") if i["name"] == "maintenance"]
            if not answer["success"] and "due" not in instance and not maintained:
                assert not _playable(seen, instance), answer


def usable(seen: Seen, instance: Item) -> list[Item]:
    """The licences that a member's sessions may have: the own one and those of the pool."""
    own = instance.get("licenseId")
    return [x for x in seen.licenses.values() if x["licenseId"] == own or _is_shared(x)]


def _available(seen: Seen, event: Event, answer: Answer, instance: Item) -> None:
    found, (begins, ends) = usable(seen, instance), _window(event)
    assert answer["freeLicenses"] == len([x for x in found if _free(seen, x, event, begins, ends)])
    assert answer["available"] or ("nextStartTime" in answer) == bool(found)
    if later := answer.get("nextStartTime", event["startTime"]) - event["startTime"]:
        assert [x for x in found if _free(seen, x, event, begins + later, ends + later)]


def _booked(seen: Seen, event: Event, answer: Answer, instance: Item) -> None:
    window = _window(event)
    found = usable(seen, instance)
    if answer["success"]:
        free = [x for x in found if _free(seen, x, event, *window)]
        assert free or _can_make_room(seen, instance, window)
        return
    if "No licence" not in answer["error"]:
        return
    free = [x for x in found if _free(seen, x, event, *window)]
    assert not free, "refused while a licence was free"
    assert not _can_make_room(seen, instance, window), "refused though the owner comes first"
    later = answer["details"].get("minutesLater")
    assert (later is None) == (not found)
    if later is not None:
        begins, ends = (moment + later * 60 for moment in window)
        free = [x for x in found if _free(seen, x, event, begins, ends)]
        assert free, "what was offered instead is not free"


def _can_make_room(seen: Seen, owner: Item, window: tuple[int, int]) -> bool:
    """Whether the owner's licence is reserved only by others' sessions that have not begun."""
    license = seen.licenses.get(owner.get("licenseId", ""))
    if license is None or _is_played_on(seen, license, owner["userId"], window[0]):
        return False
    in_the_way = [seen.sessions[w["sessionId"]] for w in _in_the_way(seen, license, *window)]
    return all(
        session["userId"] != owner["userId"] and session["status"] == "scheduled"
        for session in in_the_way
    )


def _window(event: Event) -> tuple[int, int]:
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
    found = usable(seen, instance)
    if instance["licenseType"] == "byol":
        found = [seen.licenses[instance["licenseId"]]]
    return [x for x in found if _may_have(seen, x, instance["userId"])]


def _may_have(seen: Seen, license: Item, user: str) -> bool:
    """No server runs on it, and it is the member's booked time, or nobody else's lease nor booked time soon."""
    now, until = seen.now, license.get("leaseUntil")
    if "holder" in license and until is None:
        return False
    for window in license["windows"]:
        if window["userId"] == user and window["begins"] <= now < window["ends"]:
            return True
    if until and until > now and license["holderUserId"] != user:
        return False
    return not [
        w
        for w in license["windows"]
        if w["userId"] != user and now < w["ends"] and w["begins"] < now + CLOSE
    ]
