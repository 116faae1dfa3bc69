"""Times as people write them, in their own time zone and language.

What is understood wrongly is noticed when the evening is over, so nothing is guessed: the hour and dates in figures
are read here, and strictly; names of days and months, in which languages differ, by dateparser, and only where all
words and figures of the text have a part in the answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from services import clock

_FARTHEST_SECONDS = 366 * 86400
_HOUR = re.compile(
    r"(?<![\w.:/+-])(?P<hour>[0-9]{1,2})"
    r"(?:(?:[:.](?P<minute>[0-9]{2}))? ?(?P<half>[ap])\.?m\b\.?"
    r"|:(?P<minute2>[0-9]{2})(?: ?(?:uhr|h)\b)?(?![\w:])"
    r"|\.(?P<minute3>[0-9]{2}) ?uhr\b"
    r"| ?(?:uhr|heures?|h)(?: ?(?P<minute4>[0-9]{2}))?\b"
    r"| ?o'?clock\b)",
    re.IGNORECASE | re.ASCII,
)
_MINUTES = ("minute", "minute2", "minute3", "minute4")
_STAMP = re.compile(r"<t:([0-9]{1,11})(?::[a-zA-Z])?>|([0-9]{9,11})", re.ASCII)
# Words between a day and an hour, and before a day, that change nothing.
_FILLER = re.compile(
    r"at|on|the|this|um|gegen|am|den|der|diesen|kommenden|à|le|ce|a|las|la|el|este|alle|il|op|om|på|kl|klo|o|às"
)
# Of the second half of the day: an hour beside them that could be of either is not certain.
_LATE = re.compile(
    r"evening|afternoon|night|tonight|abends?|nachmittags?|nacht|soir|après-midi|nuit|noche|tarde|sera"
    r"|notte|avond|kväll"
)
# Of this week or of the next; of the past.
_UNCLEAR = re.compile(
    r"\b(?:next|nächste\w*|weeks?|wochen?|semaines?|semanas?|settimana|so (?:gegen|um)|zo om|am morgen"
    r"|ago|vor|last|letzte\w*|yesterday|gestern)\b",
    re.IGNORECASE,
)
_TWELVE_HOURS = ("en-US", "en")
_MONTH_FIRST = (*_TWELVE_HOURS, "ja", "ko", "zh-CN", "zh-TW", "hu", "lt")
_ABOUT_A_WEEK = (8, 15)  # days, in languages that count today
_ISO_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})", re.ASCII)
_FIGURES = re.compile(r"([0-9]{1,2})([./-]) ?([0-9]{1,2})(?:\2 ?([0-9]{4}|[0-9]{2})?)?", re.ASCII)
_FROM_NOW = re.compile(r"(?:in|dans|en|om|tra|em) (?P<number>[0-9]{1,3}) ?(?P<unit>[^\W\d]+)")


def seconds_of(text: str, zone: ZoneInfo, locale: str) -> int | None:
    """The Unix seconds that somebody means who writes that now; None where it is not certain.

    Discord's own `<t:…>` and ISO 8601 are understood, and a day with an hour, such as "friday 8pm", "4.12. 20:00"
    or "morgen 20 Uhr", in English and in the language of `locale`. A day of the week is the next one, today
    included; an hour alone the next such. What lies in a year or more, or in the past, nobody means.
    """
    text = " ".join(text.split())[:100]
    now = datetime.fromtimestamp(clock.now(), zone)
    if stamp := _STAMP.fullmatch(text):
        found: float | None = int(stamp[1] or stamp[2])
    elif away := _away(text.lower(), now, locale):  # of days alone nobody knows the hour
        found = clock.now() + away.total_seconds() if away < timedelta(days=1) else None
    else:
        found = _on_the_clock(text, now, locale)
    return int(found) if found and 0 < found - clock.now() < _FARTHEST_SECONDS else None


def _on_the_clock(text: str, now: datetime, locale: str) -> float | None:
    found = _iso(text, now.tzinfo) or _spoken(text.lower(), now, locale)
    return found.timestamp() if found and _is_once(found) else None


def _is_once(found: datetime) -> bool:
    """Whether there is exactly one such hour: in spring the clocks leave one out, in autumn one comes twice."""
    there = found.astimezone(UTC).astimezone(found.tzinfo)
    is_left_out = there.replace(tzinfo=None) != found.replace(tzinfo=None)
    return not is_left_out and found.replace(fold=1).utcoffset() == found.utcoffset()


def _iso(text: str, zone: tzinfo | None) -> datetime | None:
    if not re.search(r"[T ]\d", text):  # a date without an hour is none
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=zone)


def _spoken(text: str, now: datetime, locale: str) -> datetime | None:
    if _UNCLEAR.search(text):
        return None
    hours = list(_HOUR.finditer(text))
    hour = _time(hours[0]) if len(hours) == 1 else None
    if hour is None:
        return None
    begins, ends = hours[0].span()
    words = re.sub(r"[,;@]", " ", f"{text[:begins]} {text[ends:]}").split()
    if any(map(_LATE.fullmatch, words)):
        if hour.hour < 13:  # twelve at night is noon to a clock
            return None
        words = ["today" if word == "tonight" else word for word in words]
        words = [word for word in words if not _LATE.fullmatch(word)]
    elif locale in _TWELVE_HOURS and _is_of_either_half(hours[0]):
        return None
    day = _day([word for word in words if not _FILLER.fullmatch(word)], hour, now, locale)
    return datetime.combine(day, hour, now.tzinfo) if day else None


def _is_of_either_half(found: re.Match[str]) -> bool:
    """Whether somebody with clocks of twelve hours may mean the morning or the evening."""
    return not found["half"] and found["hour"][0] != "0" and 1 <= int(found["hour"]) <= 12


def _time(found: re.Match[str]) -> time | None:
    hour = int(found["hour"])
    minute = next((int(found[n]) for n in _MINUTES if found[n]), 0)
    if half := found["half"]:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + (12 if half.lower() == "p" else 0)
    return time(hour, minute) if hour < 24 and minute < 60 else None


def _away(text: str, now: datetime, locale: str) -> timedelta | None:
    """How far away something is "in 2 hours", however the clocks are set meanwhile."""
    said = _FROM_NOW.fullmatch(text)
    if not said:
        return None
    base = now.replace(tzinfo=None)
    found = _parsed(text, base, locale)
    if found is None or found <= base:
        return None
    is_idiom = int(said["number"]) in _ABOUT_A_WEEK and not locale.startswith("en")
    return None if is_idiom and (found - base).days else found - base


def _day(words: Sequence[str], hour: time, now: datetime, locale: str) -> date | None:
    today, is_over = now.date(), hour <= now.time()
    if not words:
        return today + timedelta(days=is_over)
    text = " ".join(words)
    if re.search(r"\d", text):
        return _dated(text, now, locale)
    found = _named(words, now, locale)
    if found is None or not today <= found <= today + timedelta(days=8):
        return None
    # Who says "friday" on a friday means today while that hour is to come; dateparser, in a week.
    in_a_week = found == today + timedelta(days=7)
    return today if in_a_week and not is_over else found


def _named(words: Sequence[str], now: datetime, locale: str) -> date | None:
    """A day by its name. If one of several words says as much alone, the others were not understood."""
    base = now.replace(tzinfo=None)
    found = _parsed(" ".join(words), base, locale)
    if found is None or found.time() not in (base.time(), time()):  # "an hour" is no day
        return None
    alone = [_parsed(word, base, locale) for word in words] if len(words) > 1 else []
    return None if any(one and one.date() == found.date() for one in alone) else found.date()


def _dated(text: str, now: datetime, locale: str) -> date | None:
    """A day with figures in it: a date, with the day of the week before it if that is so; or in how many days."""
    if found := _ISO_DATE.fullmatch(text):
        return _date(int(found[1]), int(found[2]), int(found[3]))
    if away := _away(text, now, locale):
        whole = timedelta(days=away.days)
        return now.date() + whole if away == whole else None
    first, *others = text.split()
    weekday = None if re.search(r"\d", first) else _weekday(first.rstrip("."), now, locale)
    rest = " ".join(others) if weekday is not None else text
    day = _in_figures(rest, now, locale) or _by_month(rest, now, locale)
    return day if day and weekday in (None, day.weekday()) else None


def _weekday(word: str, now: datetime, locale: str) -> int | None:
    """The day of the week that a word names: the same day whichever of the days before it is today."""
    found = _parsed(word, now.replace(tzinfo=None), locale)
    if found is None:
        return None
    before = [_parsed(word, found - timedelta(days=days), locale) for days in (1, 2)]
    return found.weekday() if all(one and one.date() == found.date() for one in before) else None


def _in_figures(text: str, now: datetime, locale: str) -> date | None:
    """A date such as 4.12., 4/12 or 12/4/2026: the month comes first where people write so."""
    found = _FIGURES.fullmatch(text)
    if not found:
        return None
    day, month = int(found[1]), int(found[3])
    if found[2] != "." and locale in _MONTH_FIRST:
        day, month = month, day
    year = found[4] and (int(found[4]) if len(found[4]) == 4 else 2000 + int(found[4]))
    return _date(year, month, day) if year else _next(now.date(), month, day)


def _by_month(text: str, now: datetime, locale: str) -> date | None:
    """A date with its month's name: its figures are the day, and the year if there are two."""
    figures = [int(figure) for figure in re.findall(r"\d+", text)]
    if not re.search(r"[^\W\d]{3}", text) or not 1 <= len(figures) <= 2:
        return None
    found = _parsed(text, now.replace(tzinfo=None), locale)
    if found is None or found.day not in figures:
        return None
    if len(figures) == 1:
        return _next(now.date(), found.month, found.day)
    return found.date() if found.year in figures else None


def _next(today: date, month: int, day: int) -> date | None:
    """The next such day, today included."""
    coming = (_date(year, month, day) for year in (today.year, today.year + 1))
    return next((one for one in coming if one and one >= today), None)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _parsed(text: str, base: datetime, locale: str) -> datetime | None:
    import dateparser  # a tenth of a second, for what few ask
    from dateparser.timezone_parser import pop_tz_offset_from_string

    if pop_tz_offset_from_string(text)[1]:
        return None  # another zone than the member's, of which names like EST say too little
    language = locale.partition("-")[0].lower()
    known = [name for name in dict.fromkeys((language, "en")) if name in _languages()]
    settings: dict[str, Any] = {"RELATIVE_BASE": base, "PREFER_DATES_FROM": "future"}
    found: datetime | None = dateparser.parse(text, languages=known, settings=settings)
    return found.replace(tzinfo=None) if found else None


@lru_cache(maxsize=1)
def _languages() -> frozenset[str]:
    from dateparser.data.languages_info import language_order

    return frozenset(language_order)
