"""Booking: a session and the licence for it, in one transaction; and the way back.

A booking changes three items: the session, the licence with its reserved windows, the member's instance with
its bookings. The last two are written on the condition that they are as they were read, so that neither a
licence's windows nor a member's own sessions ever overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

from actions.errors import Conflict, NoLicenseFree
from actions.licenses import rules
from actions.licenses.license_pool_status import shared_licenses
from actions.retrying import Backoff
from services import clock
from services.dynamodb import Attr, Condition, ConditionFailed, Operation, transact
from services.instances import WHOLE, Booking, Instance, Running
from services.licenses import License, Window
from services.platform import Platform
from services.sessions import Session, SessionStatus
from services.settings import Settings

_LICENSE = 0  # the licence's position in the transaction


def reserved_time(settings: Settings, start_time: int, duration: int) -> tuple[int, int]:
    """From when to when a session of `duration` minutes reserves a licence.

    Before it there is time to end a borrower's run and to come up, after it to say goodbye and to save.
    """
    ends = start_time + duration * 60 + settings.grace_seconds
    return start_time - settings.preparation_seconds, ends


def book(platform: Platform, instance: Instance, session: Session) -> Session:
    """Book the session on the best licence that is free for it.

    Raises NoLicenseFree with the next free time; Conflict if the member has a session at that time; Contended;
    ConditionFailed if the member's server changed in between: then read again and repeat.
    """
    begins, ends = reserved_time(platform.settings, session["startTime"], session["duration"])
    refuse_overlap(instance, begins, ends)
    found = {license["licenseId"]: license for license in usable(platform, instance)}
    user_id, backoff = instance["userId"], Backoff()
    for license_id in found:
        while rules.is_free(found[license_id], user_id, begins, ends, clock.now()):
            try:
                return _booked(platform, instance, session, found[license_id])
            except ConditionFailed as quicker:
                backoff.wait()
                found[license_id] = _as_it_is_now(platform, found[license_id], quicker)
    next_free = rules.next_free(found.values(), user_id, begins, ends, clock.now())
    raise NoLicenseFree(next_free, begins)


def _as_it_is_now(platform: Platform, license: License, quicker: ConditionFailed) -> License:
    """The licence when somebody else was quicker with it; only that is read again, to be quick oneself.

    Raises `quicker` if more than its bookings changed.
    """
    found = platform.licenses.find(license["licenseId"])
    if quicker.failed != {_LICENSE} or found is None:
        raise quicker
    if rules.is_shared(found) != rules.is_shared(license):
        raise quicker
    return found


def usable(platform: Platform, instance: Instance) -> Iterator[License]:
    """The licences that the member's sessions may book, the own one first."""
    own = instance.get("licenseId")
    mine = platform.licenses.find(own) if own else None
    if mine:
        yield mine
    for license in shared_licenses(platform):
        if license["licenseId"] != own and rules.is_shared(license):
            yield license


def refuse_overlap(instance: Instance, begins: int, ends: int) -> None:
    """Raise Conflict if the member has another session at that time; one that is over stands in nobody's way."""
    for booking in _coming(instance, begins):
        if booking["begins"] < ends and begins < booking["ends"]:
            raise Conflict(
                "You have another session at that time.",
                field="startTime",
                sessionId=booking["sessionId"],
                suggestion="Cancel that session, or choose another time.",
            )


def _coming(instance: Instance, begins: int) -> list[Booking]:
    """The member's bookings without those that are over, but for a while would touch one from `begins` on."""
    now = clock.now()
    return [b for b in instance.get("bookings", []) if b["ends"] > now or b["ends"] <= begins]


def _booked(platform: Platform, instance: Instance, session: Session, license: License) -> Session:
    begins, ends = reserved_time(platform.settings, session["startTime"], session["duration"])
    booked = cast("Session", {**session, "licenseId": license["licenseId"]})
    window: Window = {
        "sessionId": session["sessionId"],
        "userId": session["userId"],
        "begins": begins,
        "ends": ends,
    }
    booking: Booking = {
        "sessionId": session["sessionId"],
        "licenseId": license["licenseId"],
        "begins": begins,
        "ends": ends,
    }
    windows = [*rules.coming(license, clock.now()), window]
    whole = Attr("status").is_in(
        list(WHOLE)
    )  # one that is being destroyed has given back its bookings
    transact(
        platform.licenses.change(license, {"windows": windows}),
        platform.sessions.book(booked),
        bookings(platform, instance, [*_coming(instance, begins), booking], whole),
    )
    return booked


def bookings(
    platform: Platform, instance: Instance, wanted: list[Booking], when: Condition | None = None
) -> Operation:
    """The operation that gives an instance, whose bookings are as they were read, other ones."""
    version = instance.get("bookingsVersion", 0)
    same = Attr("bookingsVersion").eq(version) | Attr("bookingsVersion").not_exists()
    same = same & when if when else same
    values = {"bookings": wanted, "bookingsVersion": version + 1}
    return platform.instances.change(instance, same, values)


def close(
    platform: Platform, session: Session, status: SessionStatus, reason: str = "", run_id: str = ""
) -> None:
    """End a session that has not begun to run, or is over: what it had booked is free again.

    Raises ConditionFailed if the session, its licence or its member's bookings changed meanwhile.
    """
    values: dict[str, Any] = {"reason": reason} if reason else {}
    values["expiresAt"] = session["endTime"] + platform.settings.session_days * 86400
    operations = [platform.sessions.move(session, status, values, ("due", "dueAt"))]
    license = platform.licenses.find(session["licenseId"])
    if license:
        operations.append(platform.licenses.change(license, *without(license, session)))
    instance = platform.instances.find(session["userId"])
    booked = instance.get("bookings", []) if instance else []
    rest = [booking for booking in booked if booking["sessionId"] != session["sessionId"]]
    if instance and len(rest) < len(booked):
        operations.append(bookings(platform, instance, rest))
    transact(*operations)


def without(license: License, session: Session) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The licence's windows without the session's. With the last one of others, a leaving licence leaves."""
    left = [w for w in license["windows"] if w["sessionId"] != session["sessionId"]]
    others = any(w["userId"] != license["ownerId"] for w in left)
    gone = ("pool", "leaving") if license.get("leaving") and not others else ()
    return {"windows": left}, gone


def booking_in_play(instance: Running, now: int) -> Booking | None:
    """The booking that a running server runs for: the latest that has begun, unless it came up after that."""
    begun = [
        booking
        for booking in instance.get("bookings", [])
        if booking["begins"] <= now and instance["upSince"] < booking["ends"]
    ]
    return max(begun, key=lambda booking: booking["begins"], default=None)
