"""Whether a member may have a session at a time at all, whatever licence is free: one answer for all who ask."""

from __future__ import annotations

from actions.billing.budget import refuse_if_spent
from actions.errors import BookedOut, Overlap, WrongState
from actions.licenses.rules import Span
from services import clock
from services.instances import WHOLE, Booking, Instance
from services.platform import Platform
from services.sessions import Session


def refuse_booking(
    platform: Platform, instance: Instance, span: Span, before: Session | None = None
) -> None:
    """Raise if the member may not have a session at that time, whatever licence is free.

    WrongState for a server that is half made, Overlap with another session of the member's, BudgetSpent,
    BookedOut. `before` is the session itself, if it is to be moved.
    """
    if instance["status"] not in WHOLE:
        raise WrongState("booked", "unknown", "Wait until it has been made, or make a new one.")
    others = open_bookings(instance, before)
    for booking in others:
        if booking["begins"] < span[1] and span[0] < booking["ends"]:
            raise Overlap(asked_by(platform, span, before), booking["sessionId"])
    settings = platform.settings
    around = settings.preparation_seconds + settings.grace_seconds
    if before is None or span[1] - span[0] - around > before["duration"] * 60:
        refuse_if_spent(platform, instance["userId"])
    seconds = sum(ends - begins - around for begins, ends in [*spans_of(others), span])
    if len(others) >= settings.open_sessions or seconds > settings.booked_hours * 3600:
        raise BookedOut(len(others), settings.open_sessions, settings.booked_hours)


def asked_by(platform: Platform, span: Span, before: Session | None) -> str:
    """The field of the request that asks for the time: a session that keeps its start gets another duration."""
    start_time = span[0] + platform.settings.preparation_seconds
    return "duration" if before and before["startTime"] == start_time else "startTime"


def open_bookings(instance: Instance, before: Session | None = None) -> list[Booking]:
    """The member's bookings that are not over, but for the session that is to be moved."""
    now, itself = clock.now(), before["sessionId"] if before else None
    booked = instance.get("bookings", [])
    return [b for b in booked if b["ends"] > now and b["sessionId"] != itself]


def spans_of(bookings: list[Booking]) -> list[Span]:
    """From when to when they reserve a licence."""
    return [(booking["begins"], booking["ends"]) for booking in bookings]
