"""Who may use a licence when. Pure functions of a licence as it was read.

The licence rule: one hosted server per key at a time (docs/sources.md, Foundry). So a licence has one holder, and
the times that sessions have booked on it never overlap.
"""

from __future__ import annotations

from collections.abc import Iterable

from services.licenses import Lease, License, Window

Span = tuple[int, int]  # from when to when

FARTHEST_DAYS = 90  # how far ahead a session may begin
CLOSE_SECONDS = 1800  # a licence is not given to anybody else this shortly before a booked time
LEASE_SECONDS = 900
LEASED_SECONDS = (
    3 * LEASE_SECONDS
)  # how long a member may keep one by renewing, and then not for as long
GIVE_WAY_SECONDS = 600  # how long before a booked time whoever plays on the licence is told to end
TOLD_SECONDS = GIVE_WAY_SECONDS + 60  # and how long it takes from a booking: a tick later


def holder_of(license: License, now: int) -> str | None:
    """The run or lease that holds the licence at `now`; a lease that ran out holds nothing."""
    if "leaseUntil" in license and license["leaseUntil"] <= now:
        return None
    return license.get("holder")


def is_leased(license: License, now: int) -> bool:
    """Whether somebody holds the licence by a lease."""
    return "leaseUntil" in license and license["leaseUntil"] > now


def is_leased_by(license: License, user_id: str, now: int) -> bool:
    """Whether the licence is the user's by a lease."""
    return is_leased(license, now) and license.get("holderUserId") == user_id


def coming(license: License, now: int) -> list[Window]:
    """The booked times that are not over, the earliest first."""
    return sorted((w for w in license["windows"] if w["ends"] > now), key=lambda w: w["begins"])


def booked_for_other(license: License, user_id: str, now: int) -> Window | None:
    """The booked time of somebody else's session that has begun or begins shortly."""
    for window in coming(license, now):
        if window["userId"] != user_id and window["begins"] < now + CLOSE_SECONDS:
            return window
    return None


def may_use(license: License, user_id: str, now: int) -> bool:
    """Whether the user may start a run on the licence at `now`, or lease it."""
    if holder_of(license, now) and not is_leased(license, now):
        return False
    if "rekeying" in license:
        return False
    if is_booked_by(license, user_id, now):
        return True  # also if somebody has leased it, who cannot start any more in this time
    is_owner = license["ownerId"] == user_id
    if is_leased(license, now) and not is_leased_by(license, user_id, now) and not is_owner:
        return False
    return is_for(license, user_id) and not booked_for_other(license, user_id, now)


def lease_until(noted: Lease | None, now: int) -> int | None:
    """Until when a member may lease at `now`; None if the member has had leases for as long as may be.

    `noted` is the member's last lease. Leases that follow one another closely count as one.
    """
    until = min(now + LEASE_SECONDS, leased_since(noted, now) + LEASED_SECONDS)
    return until if until > now else None


def leased_since(noted: Lease | None, now: int) -> int:
    """Since when the member who takes a lease at `now` has had one."""
    goes_on = noted is not None and now < noted["until"] + LEASE_SECONDS
    return noted.get("since", now) if noted and goes_on else now


def is_shared(license: License) -> bool:
    """Whether the licence is in the pool, to stay."""
    return license.get("pool") == "shared" and not license.get("leaving")


def is_for(license: License, user_id: str) -> bool:
    """Whether the licence is the user's own, or lent to everybody, to stay."""
    is_own = license["ownerId"] == user_id and license.get("pool") != "ending"
    return is_own or is_shared(license)


def is_booked_by(license: License, user_id: str, now: int) -> bool:
    """Whether a session of the user has booked the licence for the present moment."""
    return any(
        w["userId"] == user_id and w["begins"] <= now < w["ends"] for w in license["windows"]
    )


def is_free(license: License, user_id: str, begins: int, ends: int, now: int) -> bool:
    """Whether the user's session may book the licence from `begins` to `ends`."""
    return not any(_touch(span, (begins, ends)) for span in _taken(license, user_id, now))


def is_wanted(license: License, user_id: str, begins: int, now: int, longest: int) -> bool:
    """Whether somebody else holds the licence, and may still do so when a session begins: it would be taken away.

    `longest` is how many seconds a server may run.
    """
    held = holder_of(license, now) and license["holderUserId"] != user_id
    return bool(held) and begins < now + longest


def free_for(license: License, now: int, longest: int) -> int:
    """For how many seconds from `now` nobody has booked the licence, at most the `longest` that counts."""
    return min([w["begins"] - now for w in coming(license, now)] + [longest])


def is_played_on(license: License, user_id: str) -> bool:
    """Whether somebody else's server runs on the licence, who has to be told before it ends."""
    runs = "holder" in license and "leaseUntil" not in license
    return runs and license["holderUserId"] != user_id


def is_played_by(license: License, user_id: str) -> bool:
    """Whether the user's own server runs on the licence: a session of the user's may have begun early."""
    runs = "holder" in license and "leaseUntil" not in license
    return runs and license["holderUserId"] == user_id


def _taken(license: License, user_id: str, now: int) -> list[Span]:
    """The times at which the user cannot have the licence."""
    spans = [(window["begins"], window["ends"]) for window in coming(license, now)]
    return [(0, now + TOLD_SECONDS), *spans] if is_played_on(license, user_id) else spans


def _touch(one: Span, other: Span) -> bool:
    return one[0] < other[1] and other[0] < one[1]


def overlaps(windows: Iterable[Window], begins: int, ends: int) -> list[Window]:
    """The booked times that touch the time from `begins` to `ends`."""
    return [w for w in windows if _touch((w["begins"], w["ends"]), (begins, ends))]


def next_free(
    licenses: Iterable[License],
    user_id: str,
    begins: int,
    ends: int,
    now: int,
    own: Iterable[Span] = (),
) -> int | None:
    """The earliest time, whole minutes after `begins`, from which some licence is free for as long.

    It touches none of the user's `own` sessions. None without any licence.
    """
    length, mine = ends - begins, list(own)
    starts = []
    for license in licenses:
        start = begins
        for span in sorted([*_taken(license, user_id, now), *mine]):
            if _touch(span, (start, start + length)):
                start = begins - (begins - span[1]) // 60 * 60  # rounded up
        starts.append(start)
    return min(starts, default=None)


def expected_free(license: License, now: int) -> int | None:
    """When the licence may be free again, as far as anybody can say."""
    known = [w["ends"] for w in coming(license, now) if w["begins"] < now + CLOSE_SECONDS]
    if is_leased(license, now):
        known.append(license["leaseUntil"])
    return max(known, default=None)
