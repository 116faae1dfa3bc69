"""Times as people write them (public bots' issues and channels are full of them), read in the member's own zone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handler.discord.times import seconds_of

pytestmark = pytest.mark.slow

BERLIN = ZoneInfo("Europe/Berlin")
NOW = "2026-11-25T18:30:00Z"  # a Wednesday, half past seven in Berlin

UNDERSTOOD = {
    # in English
    "friday 8pm": "2026-11-27 20:00",
    "fri 20:00": "2026-11-27 20:00",
    "Friday at 8:30 PM": "2026-11-27 20:30",
    "sat, 7pm": "2026-11-28 19:00",
    "sunday 7 p.m.": "2026-11-29 19:00",
    "wednesday 20:00": "2026-11-25 20:00",
    "wednesday 19:00": "2026-12-02 19:00",
    "today 21:15": "2026-11-25 21:15",
    "tonight 8pm": "2026-11-25 20:00",
    "tomorrow 19:30": "2026-11-26 19:30",
    "20:00": "2026-11-25 20:00",
    "7pm": "2026-11-26 19:00",
    "12am": "2026-11-26 00:00",
    "5 dec 7pm": "2026-12-05 19:00",
    "Dec 4, 2026 8 PM": "2026-12-04 20:00",
    "12/4 8pm": "2026-12-04 20:00",
    "in 2 hours": "2026-11-25 21:30",
    "in 90 minutes": "2026-11-25 21:00",
    "2026-12-04 20:00": "2026-12-04 20:00",
    "2026-12-04T20:00": "2026-12-04 20:00",
    "2026-12-04T20:00Z": "2026-12-04 21:00",
    "2026-12-04T20:00+05:00": "2026-12-04 16:00",
}
IN_OTHER_LANGUAGES = {
    ("Freitag 20 Uhr", "de"): "2026-11-27 20:00",
    ("Freitag um 20:30 Uhr", "de"): "2026-11-27 20:30",
    ("morgen 19:30", "de"): "2026-11-26 19:30",
    ("heute 20 Uhr", "de"): "2026-11-25 20:00",
    ("4.12. 20:00", "de"): "2026-12-04 20:00",
    ("4.12.2026 20.30 Uhr", "de"): "2026-12-04 20:30",
    ("2.1. 20 Uhr", "de"): "2027-01-02 20:00",
    ("in 2 Stunden", "de"): "2026-11-25 21:30",
    ("vendredi 20h30", "fr"): "2026-11-27 20:30",
    ("demain 20h", "fr"): "2026-11-26 20:00",
    ("viernes a las 20:00", "es-ES"): "2026-11-27 20:00",
    ("4/12 8pm", "en-GB"): "2026-12-04 20:00",
    ("friday 8pm", "de"): "2026-11-27 20:00",
    ("friday 8pm", "xx-unknown"): "2026-11-27 20:00",
    ("heute 20 uhr 30", "de"): "2026-11-25 20:30",
    ("Fr 4.12. 20 Uhr", "de"): "2026-12-04 20:00",
    ("Samstag, 5.12. 20 Uhr", "de"): "2026-12-05 20:00",
    ("4. 12. 20:00", "de"): "2026-12-04 20:00",
    ("am Freitag Abend um 20 Uhr", "de"): "2026-11-27 20:00",
    ("Samstag 5. Dezember 20 Uhr", "de"): "2026-12-05 20:00",
    ("in 2 Tagen 20:00", "de"): "2026-11-27 20:00",
    ("1/12 à 20h", "fr"): "2026-12-01 20:00",
    ("ce soir 20 heures", "fr"): "2026-11-25 20:00",
    ("après-demain 20h", "fr"): "2026-11-27 20:00",
    ("le 18 décembre à 20h", "fr"): "2026-12-18 20:00",
    ("2/1 a las 20:00", "es-ES"): "2027-01-02 20:00",
    ("el viernes 20:00", "es-ES"): "2026-11-27 20:00",
}
# On a Friday, at eleven: today while the hour is to come.
ON_A_FRIDAY = {
    "on friday 8pm": "2026-11-27 20:00",
    "friday evening 8pm": "2026-11-27 20:00",
    "friday 10am": "2026-12-04 10:00",
    "friday, nov 27, 8pm": "2026-11-27 20:00",
    "27 november 8pm": "2026-11-27 20:00",
    "11/27 8pm": "2026-11-27 20:00",
    "11/26 8pm": "2027-11-26 20:00",
}
NOT_CERTAIN = (
    # Half of it would be read, and the rest thrown away.
    *("friday 8pm 2", "friday 8pm 2 hours", "friday 8pm +2", "the 2nd 8pm", "friday the 1st 8pm"),
    *("4th 8pm", "december 8pm", "tomorrow week 8pm", "in 2 hours 30", "in 3", "in december"),
    *("fri dec 5 8pm", "do 5.12. 20:00", "saturday the 12th 8pm", "aprés demain 20h", "in friday"),
    *(
        "no friday 8pm",
        "an hour 8pm",
        "so gegen 20 uhr",
        "am morgen 9 uhr",
        "settimana prossima 20:00",
    ),
    # Of the morning or of the evening, of noon or of midnight.
    *("friday night 12:30", "friday night 12pm", "freitag nacht 12 uhr", "tonight 9:00"),
    *("tomorrow evening 8:00", "friday afternoon 3:00", "friday night 1am", "tonight at 8"),
    *("", " ", "friday", "8", "tomorrow", "soon", "2026-12-04", "evening", "noonish", "now"),
    *("friday 8pm EST", "friday 20:00 UTC+2", "20:00 GMT", "19:00 - 23:00 friday"),
    *("25:00", "friday 24:61", "13pm", "0am", "2026-13-01 20:00", "2024-12-04 20:00"),
    *(
        "2030-12-04 20:00",
        "yesterday 20:00",
        "20:00 foo bar",
        "friday at 8",
        "::",
        "next friday 8pm",
        "🎲 20:00",
    ),
)


def read(text, locale="en-US", zone=BERLIN):
    seconds = seconds_of(text, zone, locale)
    return seconds and datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize("text", UNDERSTOOD)
def test_what_people_write_in_english_is_understood(freezer, text):
    freezer.move_to(NOW)
    assert read(text) == UNDERSTOOD[text]


@pytest.mark.parametrize(("text", "locale"), IN_OTHER_LANGUAGES)
def test_what_people_write_in_their_own_language_is_understood(freezer, text, locale):
    freezer.move_to(NOW)
    assert read(text, locale) == IN_OTHER_LANGUAGES[text, locale]


@pytest.mark.parametrize("text", NOT_CERTAIN)
@pytest.mark.parametrize("locale", ["en-US", "de"])
def test_what_is_not_certain_is_no_time(freezer, text, locale):
    freezer.move_to(NOW)
    assert read(text, locale) is None


def test_an_hour_is_of_the_morning_where_clocks_have_24_and_not_certain_where_they_have_12(freezer):
    freezer.move_to(NOW)
    assert read("friday 8:30", "de") == "2026-11-27 08:30"
    assert read("friday 8:30", "en-US") is None
    assert read("friday 08:30", "en-US") == "2026-11-27 08:30"


def test_in_some_languages_eight_days_are_a_week(freezer):
    freezer.move_to(NOW)
    assert read("dans 8 jours 20:00", "fr") is None
    assert read("in 8 days 20:00") == "2026-12-03 20:00"
    assert read("in 15 Minuten", "de") == "2026-11-25 19:45"


def test_the_month_comes_first_where_people_write_so(freezer):
    freezer.move_to(NOW)
    assert read("12/4 20:00", "ja") == "2026-12-04 20:00"
    assert read("12/4 20:00", "it") == "2027-04-12 20:00"


@pytest.mark.parametrize("text", ON_A_FRIDAY)
def test_a_day_that_is_today_is_today_while_its_hour_is_to_come(freezer, text):
    freezer.move_to("2026-11-27T10:00:00Z")
    assert read(text) == ON_A_FRIDAY[text]


def test_mar_is_a_month_in_french_and_no_tuesday(freezer):
    freezer.move_to(NOW)
    assert read("mar 20:00", "fr") is None
    assert read("mardi 20:00", "fr") == "2026-12-01 20:00"


@pytest.mark.parametrize(
    ("now", "minutes"),
    [
        (now, minutes)
        for now in ("2026-10-25T00:30:00", "2027-03-28T00:30:00")
        for minutes in (30, 60, 480)
    ],
)
def test_in_some_hours_is_so_many_hours_however_the_clocks_are_set(freezer, now, minutes):
    freezer.move_to(now)
    began = datetime.fromisoformat(now).replace(tzinfo=UTC).timestamp()
    assert seconds_of(f"in {minutes} minutes", BERLIN, "en-US") == began + 60 * minutes


def test_discords_own_form_and_seconds_are_taken_as_they_are(freezer):
    freezer.move_to(NOW)
    for text in ("<t:1795977600:F>", "<t:1795977600>", "1795977600"):
        assert seconds_of(text, BERLIN, "en-US") == 1795977600
    assert seconds_of("<t:1:F>", BERLIN, "en-US") is None


def test_an_hour_that_the_clocks_leave_out_or_show_twice_is_none(freezer):
    freezer.move_to("2026-10-20T12:00:00Z")
    assert read("2026-10-25 02:30") is None
    freezer.move_to("2027-03-20T12:00:00Z")
    assert read("2027-03-28 02:30") is None
    assert read("2027-03-28 03:30") == "2027-03-28 03:30"
    assert read("sunday, 28 march 02:30") is None


@settings(deadline=None)  # the first one loads a language
@given(
    ahead=st.integers(3600, 360 * 86400),
    zone=st.sampled_from(["UTC", "Asia/Kolkata", "America/St_Johns", "Pacific/Auckland"]),
    form=st.sampled_from(
        ["%Y-%m-%d %H:%M", "%d %B %Y %H:%M", "%B %d, %Y %I:%M %p", "%Y-%m-%dT%H:%M"]
    ),
)
def test_whoever_writes_the_whole_date_means_that_minute(ahead, zone, form):
    from freezegun import freeze_time

    now = datetime(2026, 11, 25, 18, 30, tzinfo=UTC)
    there = (now + timedelta(seconds=ahead)).astimezone(ZoneInfo(zone)).replace(second=0)
    with freeze_time(now.replace(tzinfo=None)):
        assert seconds_of(there.strftime(form), ZoneInfo(zone), "en-GB") == there.timestamp()


@settings(deadline=None)
@given(st.text(max_size=120), st.sampled_from(["en-US", "de", "fr", "ja", "zz", ""]))
def test_no_text_is_too_odd(text, locale):
    seconds_of(text, BERLIN, locale)
