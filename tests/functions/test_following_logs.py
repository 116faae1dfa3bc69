"""`follow=true` at the server, which runs in a thread of this process, with clients that come and go."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import pytest

from handler.app import platform
from services.platform import FOLLOWERS, FOLLOWERS_OF_ONE
from tests.functions.member import ALICE, Member
from tests.functions.serving import PATIENCE, Follower, Serving, eventually
from tests.functions.writing import Writer
from tests.http.issuing import own
from tests.lagging.log_events import LOGS

pytestmark = pytest.mark.slow


@pytest.fixture
def serving(http):
    with Serving() as serving:
        yield serving


@pytest.fixture
def log(http):
    return Writer.of(ALICE.create(replicas=2))


def test_a_line_that_is_written_after_the_request_arrives_whichever_task_writes_it(serving, log):
    log("before")
    follower = Follower(serving)
    assert (follower.status, follower.line()) == (200, "before")
    assert follower.answer.getheader("content-type") == "text/plain; charset=utf-8"
    assert follower.answer.getheader("x-follow") is None
    log("after")
    assert follower.line() == "after"
    log("by a replica that was not there before", task="b" * 32)
    assert follower.line() == "by a replica that was not there before"
    follower.leave()


def test_a_log_in_which_nothing_is_yet_can_be_followed(serving, log):
    follower = Follower(serving)
    log("first")
    assert follower.line() == "first"
    follower.leave()


def test_each_line_of_many_comes_once_though_times_are_equal_and_some_come_late(serving, log):
    follower = Follower(serving, "&tail=1")
    LOGS.page = 25
    wanted = []
    for number in range(40):
        texts = [f"{number} of {task}" for task in "abc"]
        wanted += texts
        LOGS.unseen = {texts[number % 3]}  # until the next ones are there
        for text, task in zip(texts, "abc", strict=True):
            log(text, ago=number % 5, task=task * 32)
        time.sleep(0.05)
    LOGS.unseen = set()
    assert sorted(follower.line() for _ in wanted) == sorted(wanted)
    log("end")
    assert follower.line() == "end"
    follower.leave()


def test_server_sent_events_come_with_ids_by_which_a_client_that_was_cut_off_goes_on(serving, log):
    follower = Follower(serving, accept="text/event-stream")
    assert follower.answer.getheader("content-type") == "text/event-stream; charset=utf-8"
    assert follower.answer.readline() == b"retry: 5000\n"
    log("one\nand its second line")
    assert follower.answer.readline() == b"\n"
    while (said := follower.answer.readline()) in (b": nothing new\n", b"\n"):
        pass
    assert said.startswith(b"id: ")
    assert follower.line().endswith(" one")
    follower.leave()
    log("two")
    seen = said.decode().strip().removeprefix("id: ")
    again = Follower(serving, accept="text/event-stream", last_event_id=seen)
    (data,) = again.event()
    assert data.endswith("Z two")
    log("three\nand\rmore")
    first, *rest = again.event()
    assert (first.endswith("Z three"), rest) == (True, ["and", "more"])
    again.leave()


def test_a_client_that_goes_leaves_nothing_behind(serving, log):
    log("before")
    followers = [Follower(serving), Follower(serving, accept="text/event-stream")]
    assert platform().followers.taken == 2
    for follower in followers:
        follower.leave()
    eventually(serving.is_at_rest)


def test_who_goes_while_aws_is_asked_keeps_the_place_until_it_has_answered(serving, log, meanwhile):
    asked, answers = threading.Event(), threading.Event()

    def wait():
        asked.set()
        assert answers.wait(PATIENCE)

    follower = Follower(serving)
    with meanwhile("FilterLogEvents", wait):
        assert asked.wait(PATIENCE)
        follower.leave()
        eventually(lambda: not serving.server.server_state.connections)
        assert platform().followers.taken == 1
        answers.set()
        eventually(serving.is_at_rest)


def test_who_asks_for_the_head_alone_follows_nothing(serving, log):
    follower = Follower(serving, method="HEAD")
    assert follower.status == 200
    eventually(serving.is_at_rest)
    follower.leave()


def test_an_aws_that_is_busy_for_a_while_is_asked_again(serving, log):
    follower = Follower(serving)
    LOGS.busy = 1
    log("told all the same")
    assert follower.line() == "told all the same"
    assert LOGS.busy == 0
    follower.leave()


def test_the_answer_ends_when_the_function_is_deleted(serving, log):
    log("last words")
    follower = Follower(serving)
    ALICE.delete()
    assert follower.answer.read().endswith(b"last words\n")
    eventually(serving.is_at_rest)


def test_the_answer_ends_when_the_token_has_expired(serving, log):
    log("while it is good")
    follower = Follower(serving, token=own("alice", exp=int(time.time()) + 2))
    assert follower.answer.read().endswith(b"while it is good\n")
    eventually(serving.is_at_rest)


def test_the_answer_ends_with_the_server(http, log):
    with Serving() as serving:
        log("to the end")
        follower = Follower(serving)
    assert follower.answer.read().endswith(b"to the end\n")
    assert platform().followers.taken == 0


def test_beyond_so_many_nobody_follows_and_nobody_has_all_places(serving, log):
    members = [Member(f"member{number}") for number in range(FOLLOWERS // FOLLOWERS_OF_ONE + 1)]
    for member in members:
        member.create()
    with ExitStack() as leaving:

        def follow(member):
            follower = Follower(serving, member=member)
            leaving.callback(follower.leave)
            return follower

        for place in range(FOLLOWERS):
            assert follow(members[place // FOLLOWERS_OF_ONE]).status == 200
        refused = follow(ALICE)
        assert refused.status == 429
        assert int(refused.answer.getheader("retry-after")) > 0
        assert b"logs are followed 10 times at once, 3 times by one user" in refused.answer.read()
        assert ALICE.call("GET", "/dice/logs").status == 200, "who does not follow needs no place"
    eventually(serving.is_at_rest)
    with ExitStack() as leaving:
        first = [follow(ALICE).status for _ in range(FOLLOWERS_OF_ONE + 1)]
        assert first == [200] * FOLLOWERS_OF_ONE + [429]
        assert follow(members[0]).status == 200
