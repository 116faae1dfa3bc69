"""What a member is refused must really not be had, and what is promised instead must be there.

The rules of licences said a second time, in the plainest way, against everything that is stored.
"""

from __future__ import annotations

from tests.model.emulated import Item
from tests.model.promises import Seen
from tests.model.stage import Answer, Event

PREPARATION, GRACE, CLOSE = 600, 900, 1800  # seconds
HALF_MADE = ("creating", "destroying")


def check(seen: Seen, event: Event, answer: Answer) -> None:
    """Compare an answer with what there was (`seen`) when it was asked for."""
    instance = next((i for i in seen.instances if i["userId"] == event["userId"]), None)
    match event["action"]:
        case "schedule-session" if instance:
            _booked(seen, event, answer, instance)
        case "check-availability" if instance:
            free = [x for x in usable(seen, instance) if _free(x, *_window(event))]
            assert answer["freeLicenses"] == len(free)
        case "request-license" if not answer["success"]:
            mine = [x for x in seen.leases if x["licenseId"] == f"lease:{event['userId']}"]
            if not any(lease["until"] > seen.now for lease in mine):
                lendable = [x for x in seen.licenses.values() if _is_shared(x)]
                assert not [x for x in lendable if _may_have(seen, x, event["userId"])]
        case "start-instance" if instance and instance["status"] in ("created", "stopped"):
            if not answer["success"] and "due" not in instance:
                assert not _playable(seen, instance), answer


def usable(seen: Seen, instance: Item) -> list[Item]:
    """The licences that a member's sessions may have: the own one and those of the pool."""
    own = instance.get("licenseId")
    return [x for x in seen.licenses.values() if x["licenseId"] == own or _is_shared(x)]


def _booked(seen: Seen, event: Event, answer: Answer, instance: Item) -> None:
    window = _window(event)
    found = usable(seen, instance)
    if answer["success"]:
        assert [x for x in found if _free(x, *window)] or _can_make_room(seen, instance, window)
        return
    if "No licence" not in answer["error"]:
        return
    assert not [x for x in found if _free(x, *window)], "refused while a licence was free"
    assert not _can_make_room(seen, instance, window), "refused though the owner comes first"
    later = answer["details"].get("minutesLater")
    assert (later is None) == (not found)
    if later is not None:
        begins, ends = (moment + later * 60 for moment in window)
        assert [x for x in found if _free(x, begins, ends)], "what was offered instead is not free"


def _can_make_room(seen: Seen, owner: Item, window: tuple[int, int]) -> bool:
    """Whether the owner's licence is reserved only by others' sessions that have not begun."""
    license = seen.licenses.get(owner.get("licenseId", ""))
    if license is None:
        return False
    in_the_way = [seen.sessions[w["sessionId"]] for w in _in_the_way(license, *window)]
    return all(
        session["userId"] != owner["userId"] and session["status"] == "scheduled"
        for session in in_the_way
    )


def _window(event: Event) -> tuple[int, int]:
    start = event["startTime"]
    return start - PREPARATION, start + event["duration"] * 60 + GRACE


def _in_the_way(license: Item, begins: int, ends: int) -> list[Item]:
    return [w for w in license["windows"] if w["begins"] < ends and begins < w["ends"]]


def _free(license: Item, begins: int, ends: int) -> bool:
    return not _in_the_way(license, begins, ends)


def _is_shared(license: Item) -> bool:
    return "pool" in license and "leaving" not in license


def _playable(seen: Seen, instance: Item) -> list[Item]:
    """The licences that a member could start on now."""
    found = usable(seen, instance)
    if instance["licenseType"] == "byol":
        found = [seen.licenses[instance["licenseId"]]]
    return [x for x in found if _may_have(seen, x, instance["userId"])]


def _may_have(seen: Seen, license: Item, user: str) -> bool:
    """Nobody else holds it, and it is the member's booked time or nobody else's soon."""
    now, until = seen.now, license.get("leaseUntil")
    held = "holder" in license and (until is None or until > now)
    if held and (until is None or license["holderUserId"] != user):
        return False
    for window in license["windows"]:
        if window["userId"] == user and window["begins"] <= now < window["ends"]:
            return True
    return not [
        w
        for w in license["windows"]
        if w["userId"] != user and now < w["ends"] and w["begins"] < now + CLOSE
    ]
