"""What a function's containers have written, as its member reads it (EventFlow API Reference, Get Function Logs).

Who follows it is in test_following_logs.py.
"""

from __future__ import annotations

from typing import Any

import pytest

from tests import world
from tests.aws_calls import AWS
from tests.functions.member import ALICE, BOB
from tests.functions.writing import Writer, now_ms
from tests.http.issuing import own
from tests.http.shapes import SHAPES, ask
from tests.lagging.log_events import LOGS

pytestmark = pytest.mark.slow

NOW = "2026-11-08T10:30:30Z"
MINUTE, HOUR = 60_000, 3_600_000


@pytest.fixture
def log(http, freezer):
    """What alice's function `dice`, made four days ago, writes at half past ten, or so many milliseconds `ago`."""
    freezer.move_to("2026-11-04T10:30:00Z")
    writer = Writer.of(ALICE.create())
    freezer.move_to(NOW)
    return writer


def read(query="", member=ALICE, name="dice", **headers):
    return ask("GET", f"/v1/functions/{name}/logs", token=own(member.user), query=query, **headers)


def lines(query=""):
    """The lines of dice's log, without their moments."""
    answer = read(query)
    assert answer.status == 200, answer.body
    return [line.partition(" ")[2] for line in answer.body.decode().splitlines()]


def test_a_log_reads_as_the_contract_has_it(log):
    log("[INFO] Server started on port 8080", ago=15_000)
    log("[INFO] Received request: GET /health", ago=10_000)
    log("[INFO] Health check passed", ago=9_000)
    answer = read()
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.body.decode() == (
        "2026-11-08T10:30:15Z [INFO] Server started on port 8080\n"
        "2026-11-08T10:30:20Z [INFO] Received request: GET /health\n"
        "2026-11-08T10:30:21Z [INFO] Health check passed\n"
    )


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_a_log_comes_through_every_way_in(log, shape):
    log("Grüße, 世界")
    answer = read(shape=shape)
    assert answer.body.decode() == "2026-11-08T10:30:30Z Grüße, 世界\n"


def test_tasks_of_now_and_before_and_invocations_are_one_log_by_time(log):
    log("first", ago=9, task="a" * 32)
    log("second", ago=8, task="b" * 32)
    log("third", ago=7, task="a" * 32)
    log("fourth", ago=6, task="c" * 32)
    assert lines() == ["first", "second", "third", "fourth"]


def test_a_container_that_says_itself_when_it_writes_is_believed(log):
    own_moments = [
        "2026-11-08T10:29:59Z ready",
        "2026-11-08T10:29:59.123456+01:00 ready",
        "2026-11-08T10:29:59,123+0100 [INFO] ready",
    ]
    for text in [*own_moments, "2026-11-08 10:29:59 ready", "2026-11-08T10:29:59 ready"]:
        log(text)
    told = read().body.decode().splitlines()
    assert told[:3] == own_moments
    assert told[3:] == [
        "2026-11-08T10:30:30Z 2026-11-08 10:29:59 ready",
        "2026-11-08T10:30:30Z 2026-11-08T10:29:59 ready",
    ]


def test_what_was_written_in_one_go_stays_together(log):
    log("Traceback:\n  File x\nValueError\n", ago=2)
    log("after", ago=1)
    assert read().body.decode().splitlines() == [
        "2026-11-08T10:30:29Z Traceback:",
        "  File x",
        "ValueError",
        "2026-11-08T10:30:29Z after",
    ]


def test_half_a_character_does_no_harm(log):
    log("half \ud83d")
    assert lines() == ["half ?"]


def test_a_function_that_has_written_nothing_has_an_empty_log(log):
    answer = read()
    assert (answer.status, answer.body) == (200, b"")
    Writer("fn-0123456789ab")("of somebody else")
    assert read().body == b""


def test_no_other_functions_lines_are_among_them(log):
    log("ours")
    Writer("fn-0123456789ab")("another's")
    Writer(log.prefix + "0")("another's")
    Writer("foundry")("a server's")
    assert lines() == ["ours"]


def test_without_a_number_the_last_hundred_lines_are_told(log):
    for number in range(105):
        log(str(number), ago=200 - number)
    assert lines() == [str(number) for number in range(5, 105)]
    assert lines("tail=3") == ["102", "103", "104"]
    assert lines("tail=10000") == [str(number) for number in range(105)]


def test_the_newest_lines_are_found_at_once_however_many_there_are(log):
    for number in range(105):
        log(str(number), ago=200 - number, task=f"{number:032}")
    AWS.begin()
    assert lines("tail=2") == ["103", "104"]
    AWS.end()
    assert [call.name for call in AWS.calls if call.name.startswith("logs.")] == [
        "logs.FilterLogEvents"
    ]


def test_small_pages_and_empty_ones_are_read_on(log):
    for number in range(20):
        log(str(number), ago=200 - number)
    LOGS.page, LOGS.empty = 4, 1
    assert lines("tail=7") == [str(number) for number in range(13, 20)]
    assert len(LOGS.asked) == 4


def test_who_asks_for_more_than_an_answer_holds_is_told_so(log):
    for number in range(30):
        log(f"{number} {'x' * 200_000}", ago=200 - number)
    LOGS.page = 3
    answer = read("tail=30")
    assert answer.headers["x-truncated"] == "true"
    assert len(answer.body) < 3_000_000
    told = [line.split()[1] for line in answer.body.decode().splitlines()]
    assert told == [str(number) for number in range(18, 30)]
    assert "x-truncated" not in read("tail=5").headers


def test_calls_are_bounded_even_if_pages_stay_empty(log):
    log("somewhere")
    LOGS.empty = 1000
    answer = read("tail=5")
    assert (answer.body, answer.headers["x-truncated"]) == (b"", "true")
    assert len(LOGS.asked) == 10


@pytest.mark.parametrize(
    ("since", "told"),
    [
        ("90s", ["1m ago", "now"]),
        ("1m", ["1m ago", "now"]),
        ("59.9s", ["now"]),
        ("59999ms", ["now"]),
        ("1h30m", ["1h ago", "1m ago", "now"]),
        ("2d", ["1d ago", "1h ago", "1m ago", "now"]),
        ("1w", ["1d ago", "1h ago", "1m ago", "now"]),
        ("0s", ["now"]),
        ("99999999999w", ["1d ago", "1h ago", "1m ago", "now"]),
        ("2026-11-08T10:30:00Z", ["now"]),
        ("2026-11-08T10:29:30Z", ["1m ago", "now"]),
        ("2026-11-08T10:29:30.001Z", ["now"]),
        ("2026-11-08T11:29:30%2B01:00", ["1m ago", "now"]),
        ("2026-11-08T11:29:30+01:00", ["1m ago", "now"]),  # not escaped: the + is a space
        ("2026-11-08T10:00", ["1m ago", "now"]),
        ("2026-11-08+10:00", ["1m ago", "now"]),
        ("2026-11-08", ["1h ago", "1m ago", "now"]),
        ("1794133800", ["now"]),
        ("1794133770", ["1m ago", "now"]),
        ("1794133770.5", ["now"]),
        ("0", ["1d ago", "1h ago", "1m ago", "now"]),
        ("2100-01-01", []),
    ],
)
def test_since_is_how_long_ago_or_a_moment_as_for_docker_and_kubectl(log, since, told):
    for text, ago in (
        ("1d ago", 24 * HOUR),
        ("1h ago", HOUR),
        ("1m ago", MINUTE),
        ("now", 0),
    ):
        log(text, ago=ago)
    assert lines(f"since={since}") == told


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("tail=0", "tail is not valid. Input should be greater than or equal to 1"),
        ("tail=10001", "tail is not valid. Input should be less than or equal to 10000"),
        ("tail=-1", "tail is not valid."),
        ("tail=all", "tail is not valid."),
        ("tail=", "tail is not valid."),
        ("since=", "since is not valid. Send how long ago, such as 10m, 1h30m or 2d"),
        ("since=yesterday", "since is not valid. Send how long ago"),
        ("since=10", None),
        ("since=10M", "since is not valid."),
        ("since=-5m", "since is not valid."),
        ("since=5", None),
        ("since=5m3", "since is not valid."),
        ("since=2026-13-01", "since is not valid."),
        ("since=1794133830000", "since is not valid."),  # milliseconds
        ("since=" + "9" * 60, "since is not valid."),
        ("since=" + "9" * 65, "since is not valid."),
        ("since=0001-01-01T00:00:00%2B23:00", None),
        ("follow=maybe", "follow is not valid."),
    ],
)
def test_what_is_wrong_with_a_query_is_said_in_the_surfaces_words(log, query, said):
    answer = read(query)
    if said is None:
        assert answer.status == 200
        return
    assert answer.status == 400
    assert answer.json["error"] == "Bad Request"
    assert answer.json["message"].startswith(said)


def test_another_members_function_is_not_found_nor_one_that_was_deleted(log):
    log("ours")
    not_found = {"error": "Not Found", "message": "function 'dice' not found"}
    refused = read(member=BOB)
    assert (refused.status, refused.json) == (404, not_found)
    assert read(name="nothing").json["message"] == "function 'nothing' not found"
    ALICE.delete()
    assert read().json == not_found
    assert ask("GET", "/v1/functions/dice/logs").json["message"] == "missing authorization header"


def test_a_new_function_of_an_old_name_has_a_log_of_its_own(log):
    log("of the old one")
    ALICE.delete()
    ALICE.create()
    assert lines() == []


def test_an_aws_that_is_busy_is_worded_as_everywhere(log):
    log("ours")
    LOGS.busy = 1
    answer = read()
    assert answer.status == 504
    assert answer.json == {
        "error": "Gateway Timeout",
        "message": "AWS is too busy or did not answer in time. Try again; nothing is done twice.",
    }


def test_server_sent_events_are_for_who_accepts_them(log):
    log("one", ago=1)
    log("two\r\nlines\rthree")
    answer = read(accept="text/event-stream")
    assert answer.headers["content-type"] == "text/event-stream; charset=utf-8"
    retry, one, two, rest = answer.body.decode().split("\n\n")
    assert (retry, rest) == ("retry: 5000", "")
    id_, data = one.split("\n")
    assert id_.startswith(f"id: {now_ms() - 1}-")
    assert data == "data: 2026-11-08T10:30:29Z one"
    assert two.split("\n")[1:] == [
        "data: 2026-11-08T10:30:30Z two",
        "data: lines",
        "data: three",
    ]


def test_who_names_the_last_event_seen_is_told_what_has_come_since(log):
    log("one", ago=1)
    log("two")
    *_, seen = ids(read(accept="text/event-stream"))
    log("three")
    again = {"accept": "text/event-stream", "last_event_id": seen}
    answer = read("tail=50&follow=true", **again)
    assert answer.body.count(b"data: ") == 1
    assert b"three" in answer.body
    for nonsense in ("", "x", "1-", "-1", "9" * 40):
        everything = read(accept="text/event-stream", last_event_id=nonsense)
        assert everything.body.count(b"data: ") == 3


def ids(answer):
    """The ids of the events of an answer."""
    text = answer.body.decode()
    return [line.removeprefix("id: ") for line in text.split("\n") if line.startswith("id: ")]


def test_what_cannot_stream_says_so_and_tells_what_there_is(log):
    log("one")
    answer = read("follow=true")
    assert (answer.status, answer.headers["x-follow"]) == (200, "not-available-here")
    assert answer.body == b"2026-11-08T10:30:30Z one\n"
    assert "x-follow" not in read("follow=false").headers


def test_head_says_what_get_would_without_a_line(log):
    log("one")
    answer = ask("HEAD", "/v1/functions/dice/logs", token=own("alice"), query="follow=true")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["content-type"].startswith("text/plain")


# --- the action, asked again and again


@pytest.fixture
def logs(invoke, log):
    """`logs(…)` is the action's answer to alice about dice."""

    def ask(**fields):
        return invoke("function-logs", userId="alice", name="dice", **fields)

    return ask


def told(answer):
    assert answer["success"], answer
    return [line["message"] for line in answer["lines"]]


def test_a_line_says_when_and_by_which_task_it_was_written(log, logs):
    log("one", ago=1, task="0123456789abcdef" * 2)
    (line,) = logs()["lines"]
    assert line == {
        "id": line["id"],
        "at": (now_ms() - 1) / 1000,
        "task": "01234567",
        "message": "one",
    }
    assert "next" not in logs()


def test_a_number_is_a_moment_too_but_nothing_else_is(log, logs):
    log("old", ago=2000)
    log("new")
    assert told(logs(since=now_ms() // 1000)) == ["new"]
    assert told(logs(since=now_ms() / 1000 - 2)) == ["old", "new"]
    nonsenses: list[Any] = [True, [], {}, -1.5, 1e300]
    for nonsense in nonsenses:
        refused = logs(since=nonsense)
        assert refused["errorCode"] == "VALIDATION_ERROR"
        assert refused["details"]["field"] == "since"


def test_nothing_is_told_twice_and_nothing_is_left_out(log, logs, freezer):
    log("one", ago=5)
    log("two", ago=5)
    answer = logs(follow=True, tail=1)
    assert told(answer) == ["two"]
    log("same moment", ago=5)
    log("older, but comes later", ago=4000)
    answer = logs(after=answer["next"])
    assert told(answer) == ["older, but comes later", "same moment"]
    freezer.tick(1)
    log("three")
    log("four", task="b" * 32)  # a replica that was not there before
    answer = logs(after=answer["next"])
    assert told(answer) == ["three", "four"]
    for _ in range(3):
        freezer.tick(10)
        answer = logs(after=answer["next"])
        assert told(answer) == []
    assert answer["next"]["told"] == {}


def test_what_is_seen_and_then_not_for_a_while_is_told_once(log, logs, freezer):
    answer = logs(follow=True)
    log("one")
    answer = logs(after=answer["next"])
    assert told(answer) == ["one"]
    LOGS.unseen = {"one"}
    freezer.tick(2)
    answer = logs(after=answer["next"])
    LOGS.unseen = set()
    freezer.tick(2)
    assert told(logs(after=answer["next"])) == []


@pytest.mark.parametrize(("late", "is_told"), [(0, True), (15_000, True), (15_001, False)])
def test_a_line_that_comes_up_to_fifteen_seconds_late_is_told(log, logs, freezer, late, is_told):
    answer = logs(follow=True)
    freezer.tick(20)
    LOGS.unseen = {"late"}
    log("late", ago=late)
    log("in time")
    answer = logs(after=answer["next"])  # after which it comes to be seen
    assert told(answer) == ["in time"]
    LOGS.unseen = set()
    freezer.tick(60)  # however much later the next look is
    assert told(logs(after=answer["next"])) == (["late"] if is_told else [])


def test_what_was_too_much_at_first_is_not_told_as_new(log, logs):
    for number in range(30):
        log(str(number), ago=200 - number)
    LOGS.page = 2  # of which ten are read
    answer = logs(follow=True, tail=30)
    assert told(answer) == [str(number) for number in range(10, 30)]
    assert answer["truncated"]
    LOGS.page = 100
    log("new")
    assert told(logs(after=answer["next"])) == ["new"]


def test_a_pause_loses_nothing(log, logs, freezer):
    answer = logs(follow=True)
    for number in range(10):
        log(str(number))
        freezer.tick(60)
    assert told(logs(after=answer["next"])) == [str(number) for number in range(10)]


def test_much_at_once_comes_in_parts_each_line_once(log, logs, freezer):
    answer, began = logs(follow=True), now_ms()
    for number in range(50):
        log(str(number), ago=500 - number // 10)
    LOGS.page, LOGS.empty = 5, 1
    parts: list[str] = []
    while not parts or "token" in answer["next"]:
        freezer.tick(1)
        before = len(LOGS.asked)
        answer = logs(after=answer["next"])
        assert len(LOGS.asked) - before <= 3
        parts += told(answer)
        if len(parts) == 20:
            log("late", ago=now_ms() - began + 600)  # behind what was read
    assert parts == [str(number) for number in range(50)]
    LOGS.page = 1000
    assert told(logs(after=answer["next"])) == ["late"]


def test_who_follows_since_a_moment_is_told_nothing_older(log, logs, freezer):
    log("old", ago=5000)
    answer = logs(follow=True, since="2s")
    assert told(answer) == []
    log("too old", ago=4000)
    log("new", ago=1000)
    assert told(logs(after=answer["next"])) == ["new"]


def test_a_log_too_full_to_be_known_by_heart_is_followed_without_a_line_twice(log, logs, freezer):
    answer = logs(follow=True)
    ours = f"{log.prefix}/main/{'a' * 32}"
    many = [{"timestamp": now_ms() + n // 10, "message": str(n)} for n in range(25_000)]
    log("begin")
    for first in range(0, len(many), 5000):
        world.client("logs").put_log_events(
            logGroupName=f"/ecs/{world.STACK}",
            logStreamName=ours,
            logEvents=many[first : first + 5000],
        )
    parts = []
    freezer.tick(3)
    for _ in range(4):
        answer = logs(after=answer["next"])
        assert len(answer["next"]["told"]) <= 20_000
        parts += told(answer)
    assert parts == ["begin", *(str(n) for n in range(25_000))]


@pytest.mark.parametrize(
    "position",
    [
        {},
        {"since": -1},
        {"since": "x"},
        {"since": 1, "told": {"x": "y"}},
        {"since": 1, "told": ["x"]},
        {"since": 1, "token": ""},
        {"since": 1, "token": "forged"},
    ],
    ids=str,
)
def test_a_position_that_is_none_is_refused(log, logs, position):
    log("one")
    refused = logs(after=position)
    assert refused["errorCode"] == "VALIDATION_ERROR"
    assert refused["details"]["field"].startswith("after")


def test_a_position_of_long_ago_reads_what_is_kept(log, logs):
    log("kept", ago=2 * 24 * HOUR)
    assert told(logs(after={"since": 0})) == ["kept"]
    assert LOGS.asked[-1]["startTime"] == now_ms() - 3 * 24 * HOUR
