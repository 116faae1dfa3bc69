"""When the tick looks: soon while ECS shows nothing of a task, else when there is something to see."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actions.instances.ending import (
    CONSISTENCY_SECONDS,
    MISSED_AGAIN_SECONDS,
    is_missing_for_long,
    look_within,
)
from actions.instances.idling import LOOK_AGAIN_SECONDS, NOTICE_SECONDS, Stop, next_look
from services.runs import EndCause

MOMENTS = st.integers(0, 5000)


@given(at=MOMENTS, told=st.none() | MOMENTS, now=MOMENTS)
def test_a_server_is_looked_at_again_just_when_something_comes_next(at, told, now):
    comes = at - NOTICE_SECONDS if told is None else max(at, told + NOTICE_SECONDS)
    looks = next_look(Stop(at, EndCause.IDLE), told, now)
    if now < comes <= now + LOOK_AGAIN_SECONDS:
        assert looks == comes
    assert now < looks <= now + LOOK_AGAIN_SECONDS


@given(pause=MOMENTS)
def test_what_is_missing_is_looked_at_by_the_next_tick_and_all_else_when_it_was_to_be(pause):
    assert look_within({}, pause) == pause
    assert look_within({"missedAt": 1}, pause) == min(pause, MISSED_AGAIN_SECONDS)


@given(since=MOMENTS, seconds=MOMENTS)
def test_a_task_is_missing_for_long_once_that_is_longer_than_ecs_lags(since, seconds):
    noted = {"missingSince": since, "missedAt": since + seconds}
    assert is_missing_for_long(noted) == (seconds >= CONSISTENCY_SECONDS)
