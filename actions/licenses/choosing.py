"""Which licence a member's server runs on, and which ones a session may have."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from actions.errors import LicenseTaken
from actions.licenses import rules
from actions.licenses.license_pool_status import shared_licenses
from actions.licenses.reservations import reserved_time
from actions.lookup import own_license
from services import clock
from services.instances import Instance, booked_now
from services.licenses import License
from services.platform import Platform
from services.sessions import Session, SessionStatus


def suitable(platform: Platform, instance: Instance, only: str | None = None) -> Iterator[License]:
    """The licences that the instance may start on now, the most suitable first, each read when asked for.

    What a session of the member's has booked for now, and nothing else; else what it has booked for shortly
    after, then the own licence, then what the member has leased, then the pool. With `only`, that one or none.
    """
    user_id = instance["userId"]
    for license_id in [only] if only else _candidates(platform, instance):
        license = platform.licenses.find(license_id)
        if license and rules.may_use(license, user_id, clock.now()):
            yield license


def _candidates(platform: Platform, instance: Instance) -> Iterator[str]:
    now = clock.now()
    if booked := booked_now(instance, now):
        yield booked["licenseId"]
        return
    for booking in instance.get("bookings", []):
        if now < booking["begins"] < now + rules.CLOSE_SECONDS:
            yield booking["licenseId"]
    if instance["licenseType"] == "byol":
        yield instance["licenseId"]
    lease = platform.licenses.lease_of(instance["userId"])
    if lease and lease["until"] > now:
        yield lease["leased"]
    if instance["licenseType"] == "pooled":
        yield from pooled(platform)


def pooled(platform: Platform) -> list[str]:
    """The ids of the licences in the pool: those first that nobody has booked for longer, then the longest unused.

    By an index, which may lag a moment behind the table.
    """
    now, longest = clock.now(), platform.settings.longest_seconds
    found = list(platform.licenses.pool())
    found.sort(key=lambda license: -rules.free_for(license, now, longest))
    return [license["licenseId"] for license in found]


def candidates(
    platform: Platform, instance: Instance, span: rules.Span, before: Session | None = None
) -> list[License]:
    """The licences that the member's session may have, the best first, without what it had reserved `before`.

    One that is bound to its licence stays there. For want of another, so may one whose licence was taken back.
    """
    had = platform.licenses.find(before["licenseId"]) if before else None
    if before and is_bound(platform, had, before, span):
        return [without(had, before)] if had else []
    now, longest = clock.now(), platform.settings.longest_seconds
    found = sorted(
        (without(license, before) for license in usable(platform, instance)),
        key=lambda x: rules.is_wanted(x, instance["userId"], span[0], now, longest),
    )
    is_taken_back = had and had["licenseId"] not in [license["licenseId"] for license in found]
    if before and had and is_taken_back and is_within(platform, before, span):
        found.append(without(had, before))
    return found


def is_bound(
    platform: Platform, license: License | None, before: Session, span: rules.Span
) -> bool:
    """Whether a session stays on its licence: it has begun, is about to, or is played early and not moved."""
    if before["status"] != SessionStatus.SCHEDULED:
        return True
    begins, _ = reserved_time(platform.settings, before["startTime"], before["duration"])
    is_soon = begins == span[0] < clock.now() + rules.CLOSE_SECONDS
    return is_soon and license is not None and rules.is_played_by(license, before["userId"])


def is_within(platform: Platform, before: Session, span: rules.Span) -> bool:
    """Whether a session begins as before, and ends no later."""
    begins, ends = reserved_time(platform.settings, before["startTime"], before["duration"])
    return begins == span[0] and span[1] <= ends


def usable(platform: Platform, instance: Instance) -> list[License]:
    """The licences that the member's sessions may book, the own one first, then the longest unused."""
    own = instance.get("licenseId")
    mine = own_license(platform, instance)
    shared = [x for x in shared_licenses(platform) if x["licenseId"] != own and rules.is_shared(x)]
    return [mine, *shared] if mine else shared


def without(license: License, session: Session | None) -> License:
    """The licence as it would be without what the session has reserved."""
    if session is None:
        return license
    kept = [w for w in license["windows"] if w["sessionId"] != session["sessionId"]]
    return {**license, "windows": kept}


def refusal(platform: Platform, instance: Instance) -> LicenseTaken:
    """Why no licence can be had now, until when, and what to do. Names no user."""
    now = clock.now()
    if booked_now(instance, now):
        return LicenseTaken(
            "Another member's server is still being stopped on the licence of your session.",
            suggestion="Your server starts by itself as soon as the licence is free, within minutes.",
        )
    if instance["licenseType"] == "pooled":
        return pool_is_empty(shared_licenses(platform))
    license = platform.licenses.find(instance["licenseId"])
    booked = rules.booked_for_other(license, instance["userId"], now) if license else None
    if booked:
        return LicenseTaken(
            "Your licence is reserved for a scheduled session.",
            until=booked["ends"],
            suggestion="Start when that session is over, or ask for a licence with request-license.",
        )
    return LicenseTaken(
        "Your licence is in use by another member's server.",
        until=rules.expected_free(license, now) if license else None,
        suggestion="Wait until that server has stopped, or ask for a licence with request-license.",
    )


def pool_is_empty(found: Collection[License]) -> LicenseTaken:
    """That no licence of the pool, as it was `found`, is free, and when the next one is expected to be."""
    now = clock.now()
    expected = [until for license in found if (until := rules.expected_free(license, now))]
    return LicenseTaken(
        "No licence of the pool is free." if found else "Nobody shares a licence at present.",
        until=min(expected, default=None),
        suggestion="Wait until a server has stopped, book a session, or bring a licence of your own.",
    )
