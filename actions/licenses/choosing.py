"""Which licence a member's server runs on."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from actions.errors import LicenseTaken
from actions.licenses import rules
from actions.licenses.license_pool_status import shared_licenses
from services import clock
from services.instances import Instance
from services.licenses import License
from services.platform import Platform


def suitable(platform: Platform, instance: Instance, only: str | None = None) -> Iterator[License]:
    """The licences that the instance may start on now, the most suitable first, each read when asked for.

    First what a session of the member's has booked for now, then the own licence, then what the member has
    leased, then the pool, the longest unused first. With `only`, that one or none.
    """
    user_id = instance["userId"]
    for license_id in [only] if only else _candidates(platform, instance):
        license = platform.licenses.find(license_id)
        if license and rules.may_use(license, user_id, clock.now()):
            yield license


def _candidates(platform: Platform, instance: Instance) -> Iterator[str]:
    now = clock.now()
    for booking in instance.get("bookings", []):
        if booking["begins"] <= now < booking["ends"]:
            yield booking["licenseId"]
    if instance["licenseType"] == "byol":
        yield instance["licenseId"]
    lease = platform.licenses.lease_of(instance["userId"])
    if lease and lease["until"] > now:
        yield lease["leased"]
    if instance["licenseType"] == "pooled":
        yield from platform.licenses.shared()


def refusal(platform: Platform, instance: Instance) -> LicenseTaken:
    """Why no licence can be had now, until when, and what to do. Names no user."""
    if instance["licenseType"] == "pooled":
        return pool_is_empty(shared_licenses(platform))
    now = clock.now()
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
