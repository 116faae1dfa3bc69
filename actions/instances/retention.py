"""Which saves are kept: the last ones, one of each of the last weeks and months, and what is locked."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from services.saves import Save

TRIAL_SECONDS = 14 * 86400  # for which an update can be undone


def is_locked(save: Save, now: int) -> bool:
    """Whether it is kept whatever its age."""
    return bool(save.get("locked")) or save.get("keptUntil", 0) > now


def expendable(saves: Sequence[Save], kept: tuple[int, int, int], now: int) -> list[Save]:
    """Those that need not be kept, the oldest first. `kept` is how many of the last, of weeks and of months.

    Of a week (ISO 8601) and of a month the newest counts, and only weeks and months of which there is a save.
    """
    last, weeks, months = kept
    newest_first = sorted(saves, key=lambda save: save["saveId"], reverse=True)
    stay = {save["saveId"] for save in newest_first[:last]}
    stay |= {save["saveId"] for save in saves if is_locked(save, now)}
    stay |= _newest_of_each(newest_first, "%G-%V", weeks)
    stay |= _newest_of_each(newest_first, "%Y-%m", months)
    return [save for save in reversed(newest_first) if save["saveId"] not in stay]


def _newest_of_each(newest_first: Sequence[Save], time: str, count: int) -> set[str]:
    found: dict[str, str] = {}
    for save in newest_first:
        found.setdefault(f"{datetime.fromtimestamp(save['at'], UTC):{time}}", save["saveId"])
    return set(list(found.values())[:count])
