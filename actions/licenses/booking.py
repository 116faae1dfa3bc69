"""Booking a session: one decision for who books, who moves a session, and who asks whether that could be done.

A licence that is free comes before one that somebody holds, the own one before the pool's. Where none is free,
the owner comes first (reassigning.py).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from actions.errors import LicenseNeeded, LicenseWithdrawn, NoLicenseFree
from actions.licenses import rules
from actions.licenses.admission import asked_by, open_bookings, refuse_booking, spans_of
from actions.licenses.choosing import candidates, is_bound, is_within
from actions.licenses.reassigning import FOR_THE_OWNER, displaceable, leave, tell_cancelled
from actions.licenses.reservations import Reservations, reserved_time
from actions.retrying import Backoff
from services import clock
from services.dynamodb import ConditionFailed
from services.instances import Instance
from services.licenses import License
from services.platform import Platform
from services.sessions import Session


def book(
    platform: Platform, instance: Instance, session: Session, before: Session | None = None
) -> Session:
    """Book the session on the best licence, in place of what it was `before`; returns it with its licence.

    Raises what refuse_booking does, NoLicenseFree with the next free time, for one that has begun LicenseNeeded or
    LicenseWithdrawn, Contended; ConditionFailed if something else changed in between: then read again and repeat.
    """
    span = reserved_time(platform.settings, session["startTime"], session["duration"])
    refuse_booking(platform, instance, span, before)
    found = {x["licenseId"]: x for x in candidates(platform, instance, span, before)}
    backoff = Backoff()
    for license_id in found:
        while _is_free(platform, found[license_id], session, span, before):
            try:
                return _booked(platform, instance, session, before, found[license_id])
            except ConditionFailed as quicker:
                if before:
                    raise
                backoff.wait()
                found[license_id] = _as_it_is_now(platform, found[license_id], quicker)
    had = found.get(before["licenseId"]) if before else None
    bound = had if before and had and is_bound(platform, had, before, span) else None
    displaced = displaceable(platform, instance, span, before)
    if displaced and (bound is None or bound["licenseId"] == instance["licenseId"]):
        return _displacing(platform, instance, session, before, displaced)
    if bound:
        if not rules.is_for(bound, session["userId"]):
            raise LicenseWithdrawn
        raise LicenseNeeded(_longest(platform, bound, session))
    usable = [x for x in found.values() if rules.is_for(x, session["userId"])]
    later = next_start(platform, instance, usable, span, before)
    raise NoLicenseFree(asked_by(platform, span, before), later, is_any=bool(usable))


def next_start(
    platform: Platform,
    instance: Instance,
    found: Iterable[License],
    span: rules.Span,
    before: Session | None = None,
) -> int | None:
    """How many seconds later one of the licences `found` is free; None if none is that can be booked yet."""
    now, own = clock.now(), spans_of(open_bookings(instance, before))
    later = rules.next_free(found, instance["userId"], *span, now, own)
    farthest = now + rules.FARTHEST_DAYS * 86400 - platform.settings.preparation_seconds
    return None if later is None or later > farthest else later - span[0]


def _is_free(
    platform: Platform,
    license: License,
    session: Session,
    span: rules.Span,
    before: Session | None,
) -> bool:
    """Whether the session may have the licence.

    What it had there, or less, it may have though the licence was taken back, and whoever still plays on it, who is
    being stopped.
    """
    now, user_id = clock.now(), session["userId"]
    if before and before["licenseId"] == license["licenseId"]:
        has_less = is_within(platform, before, span)
        if has_less or is_bound(platform, license, before, span):
            can_stay = has_less or rules.is_for(license, user_id)
            return can_stay and not rules.overlaps(rules.coming(license, now), *span)
    return rules.is_free(license, user_id, *span, now)


def _longest(platform: Platform, license: License, session: Session) -> int:
    """How many minutes a session can last on its licence, which another one needs afterwards."""
    windows = rules.coming(license, clock.now())
    needed = next(w["begins"] for w in windows if w["begins"] > session["startTime"])
    return (needed - platform.settings.grace_seconds - session["startTime"]) // 60


def _booked(
    platform: Platform,
    instance: Instance,
    session: Session,
    before: Session | None,
    license: License,
) -> Session:
    changes = Reservations(platform, instance, license)
    booked = _book(platform, changes, session, before, license["licenseId"])
    changes.write()
    return booked


def _displacing(
    platform: Platform,
    instance: Instance,
    session: Session,
    before: Session | None,
    displaced: list[Session],
) -> Session:
    """Book on the owner's own licence while the others' sessions leave it: all of it or nothing."""
    changes = Reservations(platform, instance)
    cancelled = [s for s in displaced if not leave(platform, changes, s, FOR_THE_OWNER)]
    booked = _book(platform, changes, session, before, instance["licenseId"])
    changes.write()
    for each in cancelled:
        tell_cancelled(platform, changes, each, FOR_THE_OWNER)
    return booked


def _book(
    platform: Platform,
    changes: Reservations,
    session: Session,
    before: Session | None,
    license_id: str,
) -> Session:
    span = reserved_time(platform.settings, session["startTime"], session["duration"])
    booked: Session = {**session, "licenseId": license_id}
    if before:
        changes.give_back(before)
    license = changes.license(license_id)
    if license is None or not _is_free(platform, license, session, span, before):
        raise ConditionFailed(frozenset())  # it has changed since it was looked at
    changes.reserve(booked, license, span)
    if before is None:
        changes.also(platform.sessions.book(booked))
    else:
        fields = ("startTime", "endTime", "duration", "licenseId", "dueAt")
        values: dict[str, Any] = {name: booked[name] for name in fields}  # type: ignore[literal-required]
        values |= {"world": booked["world"]} if "world" in booked else {}
        removed = () if "world" in booked else ("world",)
        changes.also(platform.sessions.move(before, before["status"], values, removed))
    return booked


def _as_it_is_now(platform: Platform, license: License, quicker: ConditionFailed) -> License:
    """The licence when somebody else was quicker with it; only that is read again, to be quick oneself.

    Raises `quicker` if more than its bookings changed.
    """
    found = platform.licenses.find(license["licenseId"])
    if quicker.failed != {0} or found is None:
        raise quicker
    if rules.is_shared(found) != rules.is_shared(license):
        raise quicker
    return found
