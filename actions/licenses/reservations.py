"""Reserved times: a session, the licence for it and its member's booking, changed together or not at all.

Neither a licence's windows nor a member's own bookings ever overlap, since each is written on the condition that
it is as it was read.
"""

from __future__ import annotations

from typing import Any, cast

from actions.licenses import rules
from services import clock
from services.dynamodb import Attr, Operation, transact
from services.instances import WHOLE, Booking, Instance, Running
from services.licenses import License, Window
from services.platform import Platform
from services.sessions import Session, SessionStatus
from services.settings import Settings


def reserved_time(settings: Settings, start_time: int, duration: int) -> rules.Span:
    """From when to when a session of `duration` minutes reserves a licence.

    Before it there is time to end a borrower's run and to come up, after it to say goodbye and to save.
    """
    ends = start_time + duration * 60 + settings.grace_seconds
    return start_time - settings.preparation_seconds, ends


def first_due(settings: Settings, start_time: int) -> int:
    """When to look after a session first: whoever plays on its licence is told then."""
    return start_time - settings.preparation_seconds - rules.GIVE_WAY_SECONDS


class Reservations:
    """Changes of reserved times, gathered and then written in one transaction: each item once."""

    def __init__(self, platform: Platform, *known: License | Instance) -> None:
        """`known` are licences and instances that need not be read again."""
        self._platform = platform
        self._licenses: dict[str, License | None] = {}
        self._instances: dict[str, Instance | None] = {}
        self._windows: dict[str, list[Window]] = {}
        self._bookings: dict[str, list[Booking]] = {}
        self._booked: set[str] = set()
        self._others: list[Operation] = []
        for item in known:
            if "ownerId" in item:
                self._licenses[item["licenseId"]] = cast("License", item)
            else:
                self._instances[item["userId"]] = item

    def license(self, license_id: str) -> License | None:
        """The licence as it will be."""
        if license_id not in self._licenses:
            self._licenses[license_id] = self._platform.licenses.find(license_id)
        found = self._licenses[license_id]
        return (
            {**found, "windows": self._windows.get(license_id, found["windows"])} if found else None
        )

    def instance(self, user_id: str) -> Instance | None:
        """The member's instance as it was read."""
        if user_id not in self._instances:
            self._instances[user_id] = self._platform.instances.find(user_id)
        return self._instances[user_id]

    def reserve(self, session: Session, license: License, span: rules.Span) -> None:
        """Give the session this time on the licence, and its member, who has a server, the booking."""
        user_id, now = session["userId"], clock.now()
        time = {"sessionId": session["sessionId"], "begins": span[0], "ends": span[1]}
        world = {"world": session["world"]} if "world" in session else {}
        booking = cast("Booking", {**time, **world, "licenseId": license["licenseId"]})
        window = cast("Window", {**time, "userId": user_id})
        found = self.license(license["licenseId"]) or license
        self._windows[license["licenseId"]] = [*rules.coming(found, now), window]
        # What is over and not yet forgotten stands in nobody's way.
        kept = [b for b in self._bookings_of(user_id) if b["ends"] > now or b["ends"] <= span[0]]
        self._bookings[user_id] = [*kept, booking]
        self._booked.add(user_id)

    def give_back(self, session: Session) -> None:
        """Take what is reserved for the session away from its licence and its member."""
        if license := self.license(session["licenseId"]):
            windows = [w for w in license["windows"] if w["sessionId"] != session["sessionId"]]
            self._windows[license["licenseId"]] = windows
        booked = self._bookings_of(session["userId"])
        rest = [booking for booking in booked if booking["sessionId"] != session["sessionId"]]
        if len(rest) < len(booked):
            self._bookings[session["userId"]] = rest

    def end(self, session: Session, status: SessionStatus, reason: str = "") -> None:
        """End the session: nothing is reserved for it any more, and nobody has to look after it."""
        self.give_back(session)
        values: dict[str, Any] = {"reason": reason} if reason else {}
        values["expiresAt"] = session["endTime"] + self._platform.settings.session_days * 86400
        self.also(self._platform.sessions.move(session, status, values, ("due", "dueAt")))

    def also(self, operation: Operation) -> None:
        """Carry this out as well."""
        self._others.append(operation)

    def write(self) -> None:
        """Carry all of it out; raises ConditionFailed, naming the licences first, if something has changed."""
        transact(
            *(self._license_operation(license_id) for license_id in self._windows),
            *(self._instance_operation(user_id) for user_id in self._bookings),
            *self._others,
        )

    def _bookings_of(self, user_id: str) -> list[Booking]:
        instance = self.instance(user_id)
        return self._bookings.get(user_id, instance.get("bookings", []) if instance else [])

    def _license_operation(self, license_id: str) -> Operation:
        """With the last window of others, a leaving licence leaves; one without a server ends."""
        license, windows = cast("License", self._licenses[license_id]), self._windows[license_id]
        values: dict[str, Any] = {"windows": windows}
        gone: tuple[str, ...] = ()
        others = any(window["userId"] != license["ownerId"] for window in windows)
        if license.get("leaving") and not others:
            left, gone = out_of_the_pool(license)
            values |= left
        return self._platform.licenses.change(license, values, gone)

    def _instance_operation(self, user_id: str) -> Operation:
        instance = cast("Instance", self._instances[user_id])
        version = instance.get("bookingsVersion", 0)
        as_read = Attr("bookingsVersion").eq(version) | Attr("bookingsVersion").not_exists()
        if user_id in self._booked:  # one that is being destroyed has given back its bookings
            as_read = as_read & Attr("status").is_in(list(WHOLE))
        values = {"bookings": self._bookings[user_id], "bookingsVersion": version + 1}
        return self._platform.instances.change(instance, as_read, values)


def out_of_the_pool(license: License) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What a licence notes, and no longer, that leaves the pool: without its owner's server it ends then."""
    if "kept" in license:
        return {"pool": "ending"}, ("leaving",)
    return {}, ("pool", "leaving")


def close(platform: Platform, session: Session, status: SessionStatus, reason: str = "") -> None:
    """End a session: what it had booked is free again.

    Raises ConditionFailed if the session, its licence or its member's bookings changed meanwhile.
    """
    changes = Reservations(platform)
    changes.end(session, status, reason)
    changes.write()


def how_it_ended(session: Session) -> SessionStatus:
    """What a session that ends before its time has been: one that began is completed, another cancelled."""
    return SessionStatus.COMPLETED if "runId" in session else SessionStatus.CANCELLED


def booking_in_play(instance: Running, now: int) -> Booking | None:
    """The booking that a running server runs for: the latest that has begun, unless it came up after that."""
    begun = [
        booking
        for booking in instance.get("bookings", [])
        if booking["begins"] <= now and instance["upSince"] < booking["ends"]
    ]
    return max(begun, key=lambda booking: booking["begins"], default=None)
