"""How often a member may have in a day what costs money."""

from __future__ import annotations

import pytest

import handler.http.application  # noqa: F401 - what it imports does not load while time stands still
from tests import world
from tests.aws_calls import AWS, BEFORE
from tests.http.issuing import own
from tests.http.shapes import ask
from tests.world import sample

pytestmark = pytest.mark.slow

MIDNIGHT = 1796169600  # 2026-12-02T00:00:00Z
EVENING = "2026-12-01T20:00:00Z"


@pytest.fixture
def limits(aws, monkeypatch, freezer):
    """Two of each a day; it is evening."""
    freezer.move_to(EVENING)
    monkeypatch.setenv("DAILY_USES", "2,2,2,10000")
    world.new_process()


def made(invoke, **more):
    return invoke(sample("create-instance", **more))


def gone(invoke, ecs):
    assert invoke(sample("destroy-instance"))["success"]
    for task in ecs.tasks():
        ecs.ends(task)


def plays_once(invoke, ecs):
    """A start, and a stop that is over; returns the start's answer."""
    answer = invoke(sample("start-instance"))
    if answer["success"]:
        task = ecs.only_task()
        ecs.comes_up(task)
        assert invoke(sample("stop-instance"))["success"]
        ecs.ends(task)
    return answer


def refused(answer):
    """Whether an answer refuses for the day, and says until when."""
    if answer.get("errorCode") != "RATE_LIMITED":
        return False
    assert answer["details"]["retryAt"] == MIDNIGHT
    assert answer["details"]["retryAfter"] == 4 * 3600
    assert "midnight" in answer["details"]["suggestion"]
    return True


def test_a_member_may_start_so_often_a_day_and_again_after_midnight(limits, invoke, ecs, freezer):
    made(invoke)
    for _ in range(2):
        assert plays_once(invoke, ecs)["success"]
    assert refused(plays_once(invoke, ecs))
    assert invoke(sample("status"))["status"] == "stopped"
    freezer.move_to("2026-12-02T00:00:00Z")
    assert plays_once(invoke, ecs)["success"]


def test_a_start_that_is_refused_for_another_reason_does_not_count(limits, invoke, ecs):
    made(invoke)
    assert invoke(sample("start-instance"))["success"]
    for _ in range(5):
        assert invoke(sample("start-instance"))["errorCode"] == "RESOURCE_CONFLICT"
    task = ecs.only_task()
    ecs.comes_up(task)
    invoke(sample("stop-instance"))
    ecs.ends(task)
    assert plays_once(invoke, ecs)["success"]


def test_a_start_that_was_interrupted_counts_once(limits, invoke, ecs, meanwhile):
    made(invoke)
    assert plays_once(invoke, ecs)["success"]
    with meanwhile("RunTask", mode=BEFORE):
        assert not invoke(sample("start-instance"))["success"]
    assert plays_once(invoke, ecs)["success"], "the same start goes on"
    assert refused(plays_once(invoke, ecs))


def test_a_session_that_starts_by_itself_neither_counts_nor_is_refused(
    limits, invoke, ecs, freezer
):
    made(invoke)
    start = MIDNIGHT - 3 * 3600
    booked = invoke(sample("schedule-session", startTime=start, duration=60))
    assert booked["success"], booked
    for _ in range(2):
        assert plays_once(invoke, ecs)["success"]
    freezer.move_to("2026-12-01T20:55:00Z")
    assert invoke(sample("prepare-sessions"))["instancesStarted"] == 1
    assert ecs.only_task()


def test_a_member_may_make_so_many_servers_a_day(limits, invoke, ecs):
    for _ in range(2):
        assert made(invoke)["success"]
        gone(invoke, ecs)
    assert refused(made(invoke))
    assert invoke(sample("status"))["errorCode"] == "RESOURCE_NOT_FOUND", "nothing was made"
    assert made(invoke, userId="ben", username="Ben")["success"], "others may"


def test_a_create_that_is_refused_or_repeated_counts_once(limits, invoke, ecs, meanwhile):
    with meanwhile("RegisterTaskDefinition", mode=BEFORE):
        assert not made(invoke)["success"]
    assert made(invoke)["success"], "the same create goes on"
    for _ in range(3):
        assert made(invoke)["errorCode"] == "RESOURCE_CONFLICT"
    gone(invoke, ecs)
    with meanwhile("RegisterTaskDefinition", mode=BEFORE):
        assert not made(invoke)["success"]
    assert made(invoke)["success"], "the second of the day may be repeated, too"


def test_a_host_name_that_is_taken_costs_no_second_use(limits, invoke, ecs):
    assert made(invoke, userId="ben")["success"]  # has the name that ada would get
    for _ in range(2):
        assert made(invoke)["success"]
        gone(invoke, ecs)
    assert refused(made(invoke))


def test_a_member_may_ask_the_chat_so_often_a_day(limits, bedrock):
    for _ in range(2):
        assert ask("POST", "/chat", {"message": "Hello?"}, token=own("ada")).status == 200
    answer = ask("POST", "/chat", {"message": "Hello?"}, token=own("ada"))
    assert (answer.status, answer.headers["retry-after"]) == (429, str(4 * 3600))
    full = ask("POST", "/v1/actions/chat", {"message": "Hello?"}, token=own("ada"))
    assert refused(full.json)
    assert len(bedrock.asked) == 2, "the model was not asked"
    assert ask("POST", "/chat", {"message": "Hello?"}, token=own("ben")).status == 200


def test_a_question_that_the_model_had_no_time_for_does_not_count(limits, bedrock, invoke):
    for fails_with in ((429, "ThrottlingException"), (400, "ValidationException")):
        bedrock.fails_with = fails_with
        for _ in range(3):
            assert not invoke(sample("chat", userId="ada"))["success"]
    bedrock.fails_with = None
    for _ in range(2):
        assert invoke(sample("chat", userId="ada"))["success"]
    assert refused(invoke(sample("chat", userId="ada")))


def test_what_a_day_brought_is_forgotten_after_it(limits, invoke):
    made(invoke)
    invoke(sample("start-instance"))
    (uses,) = [item for item in world.items("registry") if item["name"].startswith("uses:")]
    assert (uses["creates"], uses["starts"]) == (1, 1)
    assert uses["expiresAt"] == MIDNIGHT + 86400


def test_counting_a_start_and_a_create_takes_no_call_of_its_own(limits, invoke):
    AWS.begin()
    made(invoke)
    invoke(sample("start-instance"))
    AWS.end()
    counting = [name for name, body in AWS.sent if b"uses:" in (body or b"")]
    assert counting == ["dynamodb.TransactWriteItems"] * 2
