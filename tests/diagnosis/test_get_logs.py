"""What a server has written, as its member reads it: paged, followed, of nobody else, and without secrets."""

from __future__ import annotations

import json
from http.client import HTTPConnection

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import world
from tests.aws_calls import AWS
from tests.community import borrower, owner
from tests.diagnosis.server import ended, write, writes
from tests.functions.serving import PATIENCE, Serving, eventually
from tests.http.issuing import own
from tests.http.shapes import SHAPES, ask
from tests.lagging.log_events import LOGS
from tests.world import sample

pytestmark = pytest.mark.slow

USER = sample("create-instance")["userId"]
BOB = "200000000000000002"


@pytest.fixture
def task(http, invoke, ecs, freezer):
    freezer.move_to("2026-11-21T20:00:00Z")
    invoke(sample("create-instance"))
    invoke(sample("start-instance"))
    freezer.tick(60)
    return ecs.only_task()


@pytest.fixture
def logs(invoke):
    def of(user=USER, **fields):
        return invoke("get-logs", userId=user, **fields)

    return of


def messages(answer):
    assert answer["success"], answer
    return [line["message"] for line in answer["lines"]]


def test_both_containers_are_read_by_time_and_each_alone(task, logs):
    writes(task, "first", container="prepare", ago=9)
    writes(task, "second", ago=8)
    writes(task, "third", container="prepare", ago=7)
    answer = logs()
    assert messages(answer) == ["first", "second", "third"]
    assert answer["lines"][0]["container"] == "prepare"
    assert answer["lines"][0]["at"] == 1795291259.991
    assert "next" not in answer
    assert messages(logs(container="foundry")) == ["second"]
    assert messages(logs(container="prepare")) == ["first", "third"]


def test_older_lines_come_page_by_page_each_once(task, logs):
    wanted = [f"line {n}" for n in range(25)]
    for number, text in enumerate(wanted):
        writes(task, text, ago=100 - number // 4)  # some share a moment
    read: list[str] = []
    fields: dict[str, str] = {}
    while True:
        answer = logs(limit=7, **fields)
        read = messages(answer) + read
        if "next" not in answer:
            break
        fields = {"next": answer["next"]}
    assert sorted(read) == sorted(wanted)


def pages(logs, limit, between=lambda: None):
    """The messages of every page, the newest page first; `between` happens after each."""
    fields: dict[str, str] = {}
    while True:
        answer = logs(limit=limit, **fields)
        yield messages(answer)
        if "next" not in answer:
            return
        assert len(answer["next"]) <= 4096
        fields = {"next": answer["next"]}
        between()


@pytest.mark.parametrize("limit", [60, 1000])
def test_a_moment_may_have_more_lines_than_fit_into_a_page(task, logs, limit):
    wanted = [f"line {n}" for n in range(1100)]
    writes(task, *wanted, ago=9)
    assert [text for page in list(pages(logs, limit))[::-1] for text in page] == wanted


@pytest.mark.slow
def test_no_line_is_lost_or_comes_twice_however_many_share_a_moment(task, logs):
    """Lines that come late, while others are read, are shown once at most."""
    moments = st.lists(st.integers(1, 4), max_size=40)
    late = st.lists(st.lists(st.integers(1, 4), max_size=4), max_size=5)

    @settings(
        max_examples=60,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(moments, late, st.integers(1, 9), st.integers(1, 10), st.integers(0, 2))
    def read(before, come_late, limit, page, empty):
        _forget()
        LOGS.page, LOGS.empty = page, empty
        for number, ago in enumerate(before):
            writes(task, f"{number}", ago=ago, container=("foundry", "prepare")[number % 2])
        coming = iter(come_late)

        def between():
            for ago in next(coming, []):
                writes(task, "late", ago=ago)

        shown = [text for one in pages(logs, limit, between) for text in one]
        assert sorted(text for text in shown if text != "late") == sorted(
            map(str, range(len(before)))
        )
        assert shown.count("late") <= sum(map(len, come_late))

    read()


def _forget():
    logs = world.client("logs")
    for stream in logs.describe_log_streams(logGroupName=f"/ecs/{world.STACK}")["logStreams"]:
        logs.delete_log_stream(
            logGroupName=f"/ecs/{world.STACK}", logStreamName=stream["logStreamName"]
        )


def test_a_page_is_one_call_and_small_or_empty_pages_are_read_on(task, logs):
    for number in range(20):
        writes(task, str(number), ago=100 - number)
    AWS.begin()
    logs(limit=5)
    AWS.end()
    assert [call.name for call in AWS.calls].count("logs.FilterLogEvents") == 1
    LOGS.page, LOGS.empty = 2, 1
    assert messages(logs(limit=5)) == [str(number) for number in range(15, 20)]


@pytest.mark.parametrize("text", ["", "x", "bm8=", "eyJ1bnRpbCI6LTEsImxpbmUiOiJ4IiwicGxhY2UiOjF9"])
def test_a_cursor_that_nobody_has_given_is_refused(task, logs, text):
    answer = logs(next=text)
    assert answer["errorCode"] == "VALIDATION_ERROR"


def test_nobody_reads_anothers(task, logs, invoke):
    writes(task, "ada's")
    assert logs(user=BOB)["errorCode"] == "RESOURCE_NOT_FOUND"
    bob = sample("create-instance", userId=BOB, username="Bob")
    assert invoke(bob)["success"]
    assert messages(logs(user=BOB)) == []
    write("another-instance", "a" * 32, "nobody's")
    assert messages(logs()) == ["ada's"]
    for_another = ask("POST", "/v1/actions/get-logs", {"userId": USER}, token=own(BOB))
    assert for_another.status == 403


def test_an_administrator_with_the_scope_reads_a_members(task):
    writes(task, "ada's")
    answer = ask("POST", "/v1/actions/get-logs", {"userId": USER}, token=own("admin", scope="user"))
    assert messages(answer.json) == ["ada's"]


def test_no_secret_is_shown(task, logs):
    made = sample("create-instance")
    arn = world.items("instances")[0]["secretArn"]
    stored = json.loads(
        world.client("secretsmanager").get_secret_value(SecretId=arn)["SecretString"]
    )
    credentials = json.loads(stored["awsConfig"])["credentials"]
    hidden = [
        *(made["foundryLicense"], made["foundryLicense"].replace("-", "").lower()),
        *(stored["adminKey"], *credentials.values()),
        *("ada@example.com", "10.0.0.17", "2606:4700:10::6816:3d59"),
        *("X-Amz-Signature=abc", "hunter22", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln"),
    ]
    writes(task, *[f"[info] it is password={text} and so on" for text in hidden])
    writes(task, *[f"[info] see https://x.example/?{text}" for text in hidden])
    writes(task, *[f"[info] {text}" for text in hidden if text not in ("hunter22",)])
    shown = "\n".join(messages(logs()))
    assert [secret for secret in hidden if secret in shown] == []
    assert "[info] see https://x.example/?…" in shown


def test_nor_is_the_key_of_the_licence_that_was_borrowed(http, invoke, ecs, logs):
    owner(invoke, "olga")
    borrower(invoke, BOB)
    invoke("start-instance", userId=BOB)
    (bobs,) = (item for item in world.items("instances") if item["userId"] == BOB)
    key, name = world.license_key("olga"), ecs.only_task().rpartition("/")[2]
    write(bobs["instanceId"], name, f"[info] {key} is it", f"[info] {key.replace('-', '')}")
    assert messages(logs(BOB)) == ["[info] … is it", "[info] …"]


def test_of_a_secret_that_json_writes_otherwise_no_character_is_shown(http, invoke, ecs, logs):
    secret = 'ünlock the "gate"'
    invoke(sample("create-instance", foundryAdminKey=secret))
    invoke(sample("start-instance"))
    writes(ecs.only_task(), json.dumps({"message": f"it is {secret}"}))
    assert messages(logs()) == ['{"message": "it is …"}']


def test_the_last_failure_is_told_with_its_lines(task, logs, invoke, ecs, freezer):
    writes(task, "Error: listen EADDRINUSE: address already in use :::30000")
    invoke(ended(ecs, task, foundry=1))
    freezer.tick(60)
    invoke(sample("start-instance"))
    failure = logs()["lastFailure"]
    assert (failure["cause"], failure["mendedBy"]) == ("port-in-use", "nobody")
    assert failure["remedy"] == "start-instance"
    assert failure["lines"] == ["Error: listen EADDRINUSE: address already in use :::30000"]
    assert "lastFailure" not in logs(limit=1, follow=True)


def test_who_follows_is_told_each_line_once_also_one_that_comes_late(task, logs, freezer):
    writes(task, "first")
    LOGS.unseen.add("late")
    writes(task, "late")
    answer = logs(follow=True)
    assert messages(answer) == ["first"]
    freezer.tick(5)
    LOGS.unseen.clear()
    writes(task, "second")
    answer = logs(after=answer["after"])
    assert sorted(messages(answer)) == ["late", "second"]
    assert messages(logs(after=answer["after"])) == []


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_over_http_it_is_text(task, shape):
    writes(task, "Grüße", "FoundryVTT | 2026-11-21 20:01:00 | [info] up")
    answer = ask("GET", "/v1/logs", token=own(USER), shape=shape)
    assert answer.status == 200
    assert answer.body.decode() == (
        "2026-11-21T20:01:00Z Grüße\n"
        "2026-11-21T20:01:00Z FoundryVTT | 2026-11-21 20:01:00 | [info] up\n"
    )


def test_over_http_the_page_before_is_named_in_a_header(task):
    for number in range(5):
        writes(task, str(number), ago=9 - number)
    answer = ask("GET", "/v1/logs", token=own(USER), query="limit=2")
    assert answer.body.decode().splitlines()[0].endswith(" 3")
    before = ask(
        "GET", "/v1/logs", token=own(USER), query=f"limit=9&next={answer.headers['x-next']}"
    )
    assert [line[-1] for line in before.body.decode().splitlines()] == ["0", "1", "2"]
    refused = ask("GET", "/v1/logs", token=own(BOB))
    assert (refused.status, refused.json["errorCode"]) == (404, "RESOURCE_NOT_FOUND")


@pytest.mark.slow
def test_over_http_it_can_be_followed(http, invoke, ecs):
    invoke(sample("create-instance"))
    invoke(sample("start-instance"))
    task = ecs.only_task()
    writes(task, "before")
    with Serving() as serving:
        connection = HTTPConnection("127.0.0.1", serving.port, timeout=PATIENCE)
        headers = {"authorization": f"Bearer {own(USER)}"}
        connection.request("GET", "/v1/logs?follow=true", headers=headers)
        answer = connection.getresponse()
        assert answer.readline().endswith(b" before\n")
        writes(task, "after")
        assert answer.readline().endswith(b" after\n")
        answer.close()
        connection.close()
        eventually(serving.is_at_rest)
