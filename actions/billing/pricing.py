"""What a run costs: AWS's prices applied to a task's size and seconds. Money is Decimal, in USD."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

from services.settings import Settings

SHORTEST_SECONDS = 60  # Fargate bills a minute at least (AWS Fargate Pricing)
_EXACT = Decimal("0.000001")
# An hour of a megabyte is a small thing, and there are many of them.
_EXACT_STORAGE = Decimal("0.000000000001")
_GB = 2**30  # bytes, as S3 counts (Amazon S3 FAQs, Billing)


@dataclass(frozen=True)
class Share:
    """The part of a run that falls into a month, "2026-11", UTC."""

    month: str
    seconds: int
    cost: Decimal


def hourly_rate(settings: Settings, cpu: int, memory: int, *, public: bool = True) -> Decimal:
    """What an hour of a task of `cpu` units (1024 a vCPU) and `memory` MiB costs, with its `public` address."""
    address = settings.address_hour if public else Decimal(0)
    return settings.vcpu_hour * cpu / 1024 + settings.gb_hour * memory / 1024 + address


def run_cost(seconds: int, rate: Decimal) -> Decimal:
    """The cost of a task that existed for `seconds`, at `rate` an hour; one that never existed costs nothing."""
    if seconds <= 0:
        return Decimal(0)
    # A whole number of dollars comes out of the table as int, whose division would make a float.
    return (Decimal(rate) * max(seconds, SHORTEST_SECONDS) / 3600).quantize(_EXACT)


def shares(started_at: int, stopped_at: int, cost: Decimal) -> list[Share]:
    """The seconds of a time and its cost month by month; together they are the whole, to the last digit."""
    seconds = stopped_at - started_at
    found: list[Share] = []
    for month, part in _parts(started_at, stopped_at):
        left = cost - sum(share.cost for share in found)
        is_last = sum(share.seconds for share in found) + part == seconds
        found.append(
            Share(month, part, left if is_last else (cost * part / seconds).quantize(_EXACT))
        )
    return found


def storage_shares(price: Decimal, stored: int, since: int, until: int) -> list[Share]:
    """The seconds for which so many bytes were stored, and their cost at a price for a GB and month, by month.

    A GB and month costs that in each month, however long it is: S3 counts the hours of the month itself.
    """
    gb = Decimal(stored) / _GB
    return [
        Share(month, part, (price * gb * part / _seconds_of(month)).quantize(_EXACT_STORAGE))
        for month, part in _parts(since, until)
        if part
    ]


def month_of(moment: int) -> str:
    """The month, UTC, that holds a moment in Unix seconds: "2026-11"."""
    return f"{datetime.fromtimestamp(moment, UTC):%Y-%m}"


def month_ends(month: str) -> int:
    """The moment, in Unix seconds, at which a month is over."""
    year, number = (int(part) for part in month.split("-"))
    return int(datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC).timestamp())


def _seconds_of(month: str) -> int:
    """How long a month is."""
    return month_ends(month) - month_ends(month_before(month))


def month_before(month: str) -> str:
    """The month before a month."""
    year, number = (int(part) for part in month.split("-"))
    return f"{year - (number == 1)}-{(number - 2) % 12 + 1:02}"


def cents(amount: Decimal | int) -> float:
    """An amount as answers show it: a number, rounded to cents only here."""
    return float(round(Decimal(amount), 2))


def hours(seconds: int | Decimal) -> float:
    """Seconds as hours, to the hundredth."""
    return float(round(Decimal(seconds) / 3600, 2))


def _parts(started_at: int, stopped_at: int) -> Iterator[tuple[str, int]]:
    while True:
        month = month_of(started_at)
        until = min(month_ends(month), stopped_at)
        yield month, until - started_at
        if until >= stopped_at:
            return
        started_at = until
