"""Which saves are kept, whatever there is of them: the promises, said a second time."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.instances.retention import expendable

pytestmark = pytest.mark.slow

settings.register_profile("fixed", derandomize=True, database=None, deadline=None)
settings.load_profile("fixed")

NOW = 1_795_640_000  # a day of November 2026
DAY = 86400
YEARS = 3 * 365 * DAY
# Shortly after one another, or far apart; some about the turn of a year, where weeks and months differ.
_TURN = int(datetime(2026, 1, 1, tzinfo=UTC).timestamp())
moments = st.one_of(
    st.integers(NOW - YEARS, NOW),
    st.integers(NOW - 3 * DAY, NOW),
    st.integers(_TURN - 5 * DAY, _TURN + 5 * DAY),
)
kept = st.tuples(st.integers(0, 6), st.integers(0, 5), st.integers(0, 7))
some_kept = kept.filter(any)


@st.composite
def repositories(draw: st.DrawFn) -> list[Any]:
    """The saves of one server, in no order; two may be of the same second."""
    times = draw(st.lists(moments, max_size=25))
    return [
        _save(at, number, draw(st.sampled_from([{}, {}, {"locked": True}])))
        for number, at in enumerate(times)
    ]


def _save(at: int, number: int, more: dict[str, Any]) -> dict[str, Any]:
    return {"saveId": f"save-{at}-{number:04x}", "at": at, **more}


def ids(saves: list[Any]) -> set[str]:
    return {save["saveId"] for save in saves}


def staying(saves: list[Any], count: tuple[int, int, int]) -> list[Any]:
    gone = ids(expendable(saves, count, NOW))
    return [save for save in saves if save["saveId"] not in gone]


def of_each(saves: list[Any], unit: Any) -> dict[Any, list[Any]]:
    """The saves by week or month, the newest of each last."""
    found: dict[Any, list[Any]] = {}
    for save in sorted(saves, key=lambda save: save["saveId"]):
        found.setdefault(unit(datetime.fromtimestamp(save["at"], UTC)), []).append(save)
    return found


def week(moment: datetime) -> tuple[int, int]:
    return moment.isocalendar()[:2]


def month(moment: datetime) -> tuple[int, int]:
    return moment.year, moment.month


@given(repositories(), some_kept)
def test_the_newest_is_never_forgotten(saves, count):
    if saves:
        assert max(ids(saves)) in ids(staying(saves, count))


@given(repositories(), kept)
def test_what_is_locked_is_never_forgotten(saves, count):
    assert not [save for save in expendable(saves, count, NOW) if save.get("locked")]


@given(repositories(), kept, st.integers(0, 20 * DAY))
def test_what_is_kept_for_a_time_goes_when_that_is_over(saves, count, later):
    if saves:
        saves[0]["keptUntil"] = NOW + later
        going = ids(expendable(saves, count, NOW))
        assert later == 0 or saves[0]["saveId"] not in going


@given(repositories(), kept)
def test_the_last_ones_stay(saves, count):
    assert set(sorted(ids(saves), reverse=True)[: count[0]]) <= ids(staying(saves, count))


@given(repositories(), kept)
def test_of_each_of_the_last_weeks_and_months_that_has_saves_the_newest_stays(saves, count):
    for unit, number in ((week, count[1]), (month, count[2])):
        found = of_each(saves, unit)
        wanted = {found[name][-1]["saveId"] for name in sorted(found, reverse=True)[:number]}
        assert wanted <= ids(staying(saves, count))


@given(repositories(), kept)
def test_no_more_stays_than_was_promised(saves, count):
    unlocked = [save for save in staying(saves, count) if not save.get("locked")]
    assert len(unlocked) <= sum(count)


@given(repositories(), kept)
def test_what_has_been_tidied_up_stays_as_it_is(saves, count):
    assert expendable(staying(saves, count), count, NOW) == []


@given(repositories(), kept, st.integers(0, DAY))
def test_what_was_to_go_goes_also_when_there_is_one_more(saves, count, later):
    before = ids(expendable(saves, count, NOW))
    more = [*saves, _save(NOW + later, 99, {})]
    assert before <= ids(expendable(more, count, NOW))


@given(repositories(), kept, kept)
def test_who_promises_more_forgets_less(saves, one, other):
    most = tuple(map(max, one, other))
    assert ids(expendable(saves, most, NOW)) <= ids(expendable(saves, one, NOW))


@given(repositories(), kept, st.randoms())
def test_the_order_in_which_they_are_read_is_of_no_matter(saves, count, chances):
    shuffled = list(saves)
    chances.shuffle(shuffled)
    going = expendable(saves, count, NOW)
    assert expendable(shuffled, count, NOW) == going == sorted(going, key=lambda s: s["saveId"])
