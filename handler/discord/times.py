"""Times as people write them, in their own time zone and language.

The hour is read here and strictly, since what guesses it may be wrong by half a day and nobody would notice before
the evening; the day, in which people differ most, by dateparser.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from services import clock

_FARTHEST = timedelta(days=366)
_HOUR = re.compile(
    r"(?<![\w.:/-])(?P<hour>[0-9]{1,2})"
    r"(?:(?:(?::|\.(?=[0-9]{2} ?uhr)|h(?=[0-9]))(?P<minute>[0-9]{2}))? ?(?P<half>[ap])\.?m\b\.?"
    r"|:(?P<minute2>[0-9]{2})(?: ?(?:uhr|h))?(?![\w:])"
    r"|\.(?P<minute3>[0-9]{2}) ?uhr\b"
    r"|h(?P<minute4>[0-9]{2})\b"
    r"| ?(?:uhr|h|o'?clock)\b)",
    re.IGNORECASE | re.ASCII,
)
# What stands between a day and an hour.
_AROUND = re.compile(r"(?:\b(?:at|um|gegen|à|a las|alle|om|kl|klo|o|às)\b\.?|[,;@])", re.IGNORECASE)
_DOTTED = re.compile(r"[0-9]{1,2}\.[0-9]{1,2}\.?(?:[0-9]{4}|[0-9]{2})?", re.ASCII)
_UNCLEAR = re.compile(r"\bnext\b|\bnächste", re.IGNORECASE)  # of this week or of the next
_STAMP = re.compile(r"<t:([0-9]{1,11})(?::[a-zA-Z])?>|([0-9]{9,11})", re.ASCII)


def seconds_of(text: str, zone: ZoneInfo, locale: str) -> int | None:
    """The Unix seconds that somebody means who writes that now; None where it is not certain.

    Discord's own `<t:…>` and ISO 8601 are understood, and a day with an hour, such as "friday 8pm", "4.12. 20:00"
    or "morgen 20 Uhr", in English and in the language of `locale`. A day of the week is the next one, today
    included; an hour alone the next such. What lies in a year or more, or in the past, nobody means.
    """
    text = text.strip()[:100]
    if stamp := _STAMP.fullmatch(text):
        return int(stamp[1] or stamp[2])
    now = datetime.fromtimestamp(clock.now(), zone)
    found = _iso(text, zone) or _spoken(text, now, locale)
    if found is None or not now < found < now + _FARTHEST:
        return None
    # An hour that the clocks leave out in spring is none.
    there = found.astimezone(UTC).astimezone(found.tzinfo)
    return int(found.timestamp()) if there.time() == found.time() else None


def _iso(text: str, zone: ZoneInfo) -> datetime | None:
    if not re.search(r"[T ]\d", text):  # a date without an hour is none
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _spoken(text: str, now: datetime, locale: str) -> datetime | None:
    hours = list(_HOUR.finditer(text))
    if len(hours) != 1:
        return _from_now(text, now, locale) if not hours else None
    hour = _time(hours[0])
    if hour is None:
        return None
    begins, ends = hours[0].span()
    rest = _AROUND.sub(" ", f"{text[:begins]} {text[ends:]}").strip()
    day = _day(rest, hour, now, locale)
    return datetime.combine(day, hour, now.tzinfo) if day else None


def _from_now(text: str, now: datetime, locale: str) -> datetime | None:
    """What is meant by "in two hours": the only words without an hour that say one."""
    if not re.search(r"(?:^|\s)in\s", text, re.IGNORECASE):
        return None
    found = _parsed(text, now, locale)
    return found.astimezone(now.tzinfo) if found and found > now else None


def _time(found: re.Match[str]) -> time | None:
    hour = int(found["hour"])
    minute = next((int(found[n]) for n in _MINUTES if found[n]), 0)
    if half := (found["half"] or "").lower():
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half == "p" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


_MINUTES = ("minute", "minute2", "minute3", "minute4")


def _day(text: str, hour: time, now: datetime, locale: str) -> date | None:
    if _UNCLEAR.search(text):
        return None
    if not text:
        is_over = hour <= now.time()
        return now.date() + timedelta(days=is_over)
    found = _parsed(text, now, locale)
    if found is None:
        return None
    # Who says "friday" on a friday means today while that hour is to come; dateparser, in a week.
    in_a_week = found.date() == now.date() + timedelta(days=7)
    is_weekday_alone = len(text.split()) == 1 and not re.search(r"\d", text)
    if in_a_week and is_weekday_alone and hour > now.time():
        return now.date()
    return found.date()


def _parsed(text: str, now: datetime, locale: str) -> datetime | None:
    import dateparser  # a tenth of a second, for what few ask
    from dateparser.timezone_parser import pop_tz_offset_from_string

    language = locale.partition("-")[0].lower()
    settings: dict[str, Any] = {
        "RELATIVE_BASE": now.replace(tzinfo=None),
        "PREFER_DATES_FROM": "future",
    }
    if _DOTTED.fullmatch(text):  # which may also be read as an hour
        text = text.strip(".").replace(".", "/")
        settings["DATE_ORDER"] = "DMY"
    elif locale == "en-GB":
        settings["DATE_ORDER"] = "DMY"
    if pop_tz_offset_from_string(text)[1]:
        return None  # another zone than the member's, of which names like EST say too little
    known = [name for name in (language, "en") if name in _languages()]
    found = dateparser.parse(text.rstrip("."), languages=known, settings=settings)
    return found.replace(tzinfo=now.tzinfo) if found else None


@lru_cache(maxsize=1)
def _languages() -> frozenset[str]:
    from dateparser.data.languages_info import language_order

    return frozenset(language_order)
