"""The logs of functions on the embedded AWS, as the platform reads them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from services import settings
from services.task_logs import TaskLogs
from tests import world
from tests.functions.writing import Writer

pytestmark = pytest.mark.embedded
OURS, OTHERS = "fn-0123456789ab", "fn-0123456789ac"


@pytest.fixture
def logs(aws: dict[str, str]) -> TaskLogs:
    """Six lines of two tasks, and others' among them."""
    for number in range(3):
        Writer(OURS)(f"{number} of a", ago=2000 - 1000 * number)
        Writer(OTHERS)("another's", ago=1900 - 900 * number)
        Writer(OURS)(f"{number} of b", ago=1500 - 700 * number, task="b" * 32)
    return TaskLogs(settings.load())


def earlier(seconds: int) -> int:
    return int(time.time() - seconds) * 1000


IN_ORDER = ["0 of a", "0 of b", "1 of a", "1 of b", "2 of b", "2 of a"]


def test_the_newest_lines_of_all_streams_with_the_prefix_are_found(logs: TaskLogs) -> None:
    found = logs.newest(OURS, earlier(60), 4)
    assert [event.message for event in found.read] == IN_ORDER[2:]
    assert found.token is not None
    assert {event.task for event in found.read} == {"a" * 32, "b" * 32}
    everything = logs.newest(OURS, earlier(60), 100)
    assert [event.message for event in everything.read] == IN_ORDER
    assert everything.token is None


def test_lines_are_read_onwards_from_a_moment(logs: TaskLogs) -> None:
    everything = logs.onwards(OURS, earlier(60))
    assert [event.message for event in everything.read] == IN_ORDER
    assert len({event.id for event in everything.read}) == len(IN_ORDER)
    since = everything.read[2].at
    assert [event.message for event in logs.onwards(OURS, since).read] == IN_ORDER[2:]
    assert logs.onwards("fn-nothing", 0).read == []


@pytest.mark.parametrize("from_head", [True, False])
def test_pages_have_each_line_once(logs: TaskLogs, from_head: bool) -> None:
    read: Callable[..., Any] = world.client("logs").filter_log_events
    asked = {
        "logGroupName": f"/ecs/{world.STACK}",
        "logStreamNamePrefix": f"{OURS}/",
        "startTime": earlier(60),
        "limit": 4,
    }
    first = read(**asked, startFromHead=from_head)
    second = read(**asked, nextToken=first["nextToken"])
    assert "nextToken" not in second
    found = [event["message"] for event in first["events"] + second["events"]]
    assert found == (IN_ORDER if from_head else IN_ORDER[::-1])
