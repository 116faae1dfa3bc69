"""What the platform costs a month for so many members: the table in docs/costs.md, written by `make docs`.

Prices are AWS's of us-east-1, November 2026, in USD. What members do is assumed below; change it and run
`make docs`.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

from actions.billing.pricing import hourly_rate
from actions.instances.file_definition import FILES_SIZE
from services.settings import Settings

TARGET = Path("docs/costs.md")
BEGIN, END = "<!-- monthly totals, by `make docs` -->\n", "<!-- end of monthly totals -->\n"
SIZES = (0, 20, 200)
Parts = dict[str, Decimal]

HOURS = Decimal(730)  # of a month, as AWS counts
WEEKS = HOURS / 24 / 7
# What a member does.
HOURS_PLAYED = 4 * WEEKS  # one evening a week
GB_OF_FILES = Decimal(3)  # worlds, systems, modules; half of them untouched for 30 days
GB_OF_ASSETS = Decimal(1)  # maps, tokens, sounds in the bucket
GB_OF_SAVES = Decimal(6)  # of files and assets: what they share is there once
HOURS_SAVED = 1 / Decimal(6)  # after an evening
GB_READ, GB_WRITTEN = Decimal(1), Decimal("0.1")  # of files, an evening
GB_SENT = Decimal("0.25")  # to all players together, an hour of play
DEPLOYMENTS = (
    1  # a month; Lambda keeps the snapshot of the version before until that was idle for 14 days
)


def monthly(members: int) -> Parts:
    """What a month costs, part by part, with so many members who all play; add up the parts for the total."""
    exact = {**_always(), **_with(Decimal(members))}
    return {part: cost.quantize(Decimal("0.01"), ROUND_HALF_UP) for part, cost in exact.items()}


def _always() -> Parts:
    ticks = HOURS * (60 + 12)  # one schedule a minute, one every five
    kept = 1 + DEPLOYMENTS * Decimal(14) / Decimal("30.4")
    gb = Decimal("0.5")  # the function's memory
    return {
        "load balancer": HOURS * Decimal("0.0225"),
        "its two public addresses": 2 * HOURS * Decimal("0.005"),
        "hosted zone": Decimal("0.50"),
        "secrets of the platform's own (5)": 5 * Decimal("0.40"),
        "schedules: Lambda, 0.2 s each": ticks
        * (gb * Decimal("0.2") * Decimal("0.0000133334") + Decimal("0.0000002")),
        "SnapStart: the cached snapshots": kept * gb * HOURS * 3600 * Decimal("0.0000015046"),
        "SnapStart: a restore an hour": HOURS * gb * Decimal("0.0001397998"),
    }


def _with(members: Decimal) -> Parts:
    evenings, played = members * WEEKS, members * HOURS_PLAYED
    files, sent = members * GB_OF_FILES, played * GB_SENT
    rate = hourly_rate(Settings.model_construct(), 1024, 2048)
    return {
        "playing: Fargate and its addresses": played * rate,
        "secrets of members": members * Decimal("0.40"),
        "files: EFS, half of it Infrequent Access": files
        * (Decimal("0.30") + Decimal("0.016"))
        / 2,
        "files: elastic throughput": evenings
        * (GB_READ * Decimal("0.03") + GB_WRITTEN * Decimal("0.06")),
        "files: daily backups, a third more than the files": files
        * Decimal(4)
        / 3
        * Decimal("0.05"),
        "assets: S3": members * GB_OF_ASSETS * Decimal("0.023"),
        "saves: S3": members * GB_OF_SAVES * Settings.model_construct().gb_month,
        "saves: Fargate, ten minutes after each evening": evenings
        * HOURS_SAVED
        * hourly_rate(Settings.model_construct(), *FILES_SIZE),
        "to the internet, beyond 100 GB": max(sent - 100, Decimal(0)) * Decimal("0.09"),
        "load balancer: capacity units, one a GB": sent * Decimal("0.008"),
        "metrics beyond ten": max(_metrics(members) - 10, Decimal(0)) * Decimal("0.30"),
    }


def _metrics(members: Decimal) -> Decimal:
    """Three for each action that is called within the hour: the schedules' two, and one more for ten members."""
    return 3 * (2 + min(members / 10, Decimal(40)))


def table() -> str:
    """The table, with the totals below."""
    columns = [monthly(members) for members in SIZES]
    head = "| USD a month | " + " | ".join(f"{members} members" for members in SIZES) + " |"
    rows = [_row(part, [column[part] for column in columns]) for part in columns[0]]
    total = _row("**together**", [sum(column.values(), Decimal(0)) for column in columns])
    return "\n".join([head, "|---|" + "---:|" * len(SIZES), *rows, total]) + "\n"


def _row(part: str, costs: list[Decimal]) -> str:
    return f"| {part} | " + " | ".join(f"{cost:.2f}" for cost in costs) + " |"


def page() -> str:
    """docs/costs.md with the table as it is by now."""
    before, _, rest = TARGET.read_text().partition(BEGIN)
    return before + BEGIN + "\n" + table() + "\n" + END + rest.partition(END)[2]
