"""What happens to a function is posted to its member's webhooks, signed, once if that works, and else again."""

from __future__ import annotations

import itertools
import re
import threading
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from actions.webhooks.emitting import emit
from handler.app import RetryLater, platform
from services.aws import AWS_FAILURES
from tests import world
from tests.aws_calls import AFTER, AWS, BEFORE, DIES_AFTER, DIES_BEFORE, Call, ProcessDied
from tests.webhook_receiver import TAKEN, signature_is_right
from tests.webhooks.conftest import ADA, BEN, NAME, registered, shown

pytestmark = pytest.mark.slow

HOUR = 3600


# --- what is posted


def test_a_message_is_posted_as_json_with_its_event_and_moment(invoke, queue, hook, freezer):
    freezer.move_to("2026-11-21T20:00:00Z")
    registered(invoke, hook.url)
    queue.tell(data={"name": "my-function", "input": {"text": "grüße\r\n"}})
    freezer.tick(7)
    assert queue.carry() == 0
    (posted,) = hook.posted
    assert posted.line == "POST /hook?of=ada HTTP/1.1"
    assert posted.json == {
        "id": NAME,
        "type": "function.invoked",
        "timestamp": "2026-11-21T20:00:00Z",
        "data": {"name": "my-function", "input": {"text": "grüße\r\n"}},
    }
    assert posted.headers["host"] == f"127.0.0.1:{hook.port}"
    assert posted.headers["content-type"] == "application/json"
    assert posted.headers["webhook-id"] == NAME
    assert posted.headers["webhook-timestamp"] == str(int(time.time()))
    assert len(queue) == 0


def test_its_signature_is_that_of_standard_webhooks(invoke, queue, hook):
    made, other = (registered(invoke, f"{hook.url}&{n}") for n in "12")
    queue.tell()
    queue.carry()
    first, second = sorted(hook.posted, key=lambda posted: posted.line)
    assert signature_is_right(first, made["secret"])
    assert signature_is_right(second, other["secret"])
    assert not signature_is_right(first, other["secret"])
    assert re.fullmatch(r"v1,[A-Za-z0-9+/]{43}=", first.headers["webhook-signature"])


def test_what_the_page_for_receivers_has_them_do_works(invoke, queue, hook):
    (code,) = re.findall(r"```python\n(.+?)```", Path("docs/webhooks.md").read_text(), re.DOTALL)
    scope: dict[str, Any] = {}
    exec(code, scope)  # noqa: S102 - our own page
    made = registered(invoke, hook.url)
    queue.tell()
    queue.carry()
    (posted,) = hook.posted
    ask = scope["is_the_platforms"]
    assert ask(posted.headers, posted.body, made["secret"])
    assert not ask(posted.headers, posted.body + b" ", made["secret"])


def test_a_webhook_is_told_what_it_wants_to_know_and_only_of_its_own_member(invoke, queue, hook):
    registered(invoke, f"{hook.url}&all")
    registered(invoke, f"{hook.url}&some", events=["function.created", "function.deleted"])
    registered(invoke, f"{hook.url}&ben", user=BEN)
    for kind in ("function.created", "function.updated"):
        queue.tell(kind=kind, event_id=kind.replace(".", "-"))
    queue.carry()
    told = Counter(
        (posted.line.split("&")[1].split()[0], posted.json["type"]) for posted in hook.posted
    )
    assert told == {
        ("all", "function.created"): 1,
        ("all", "function.updated"): 1,
        ("some", "function.created"): 1,
    }


def test_who_has_no_webhook_costs_one_question(queue, invoke):
    AWS.begin()
    queue.tell()
    assert [call.name for call in AWS.calls] == ["dynamodb.Query"]


def test_a_batch_is_told_side_by_side(invoke, queue, hook):
    for number in range(8):
        registered(invoke, f"{hook.url}&{number}")
    all_at_once = threading.Barrier(8)

    def answer(link):
        all_at_once.wait(4)
        link.sendall(TAKEN)

    hook.answers = answer
    queue.tell()
    assert queue.carry() == 0


def test_what_is_told_again_has_the_same_id_and_body_and_another_moment(
    invoke, queue, hook, freezer
):
    made = registered(invoke, hook.url)
    hook.answers_with(500)
    queue.tell()
    queue.carry()
    freezer.tick(30)
    queue.carry()
    first, second = hook.posted
    assert first.body == second.body
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert int(second.headers["webhook-timestamp"]) - int(first.headers["webhook-timestamp"]) == 30
    assert signature_is_right(second, made["secret"])


def test_what_would_be_too_much_is_left_out_and_named(invoke, queue, hook):
    registered(invoke, hook.url)
    data = {"name": "my-function", "command": ["x" * 4096] * 64, "env": {"A": "y" * 4096}}
    queue.tell(data=data)
    queue.carry()
    assert hook.posted[0].json["data"] == {
        "name": "my-function",
        "env": data["env"],
        "omitted": ["command"],
    }


@pytest.mark.parametrize("event_id", ["", "a.b", "a\r\nx: y", "ä", "x" * 65])
def test_an_event_whose_id_would_not_fit_into_what_is_signed_is_a_mistake(invoke, hook, event_id):
    registered(invoke, hook.url)
    with pytest.raises(ValueError, match="eventId"):
        emit(platform(), ADA, event_id, "function.created", {}, 0)


# --- what becomes of it


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_answer_of_200_to_299_takes_a_message(invoke, queue, hook, status):
    registered(invoke, hook.url)
    hook.answers_with(status)
    queue.tell()
    assert queue.carry() == 0
    assert len(queue) == 0
    assert "failedAt" not in shown(invoke)


@pytest.mark.parametrize(
    "status", [300, 301, 302, 304, 307, 308, 400, 401, 404, 410, 429, 500, 503]
)
def test_any_other_answer_lets_it_come_again(invoke, queue, hook, status):
    registered(invoke, hook.url)
    hook.answers_with(status)
    queue.tell()
    assert queue.carry() == 1
    assert len(queue) == 1


def test_a_status_that_is_not_the_last_word_is_none(invoke, queue, hook):
    registered(invoke, hook.url)
    hook.says(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", b"HTTP/1.1 200 OK\r\n\r\n")
    queue.tell()
    assert queue.carry() == 0


def test_a_message_comes_again_less_and_less_often_for_an_hour_and_is_then_given_up(
    invoke, queue, hook, freezer
):
    registered(invoke, hook.url)
    hook.answers_with(503)
    began = int(time.time())
    queue.tell()
    attempts = []
    while len(queue):
        if queue.carry() is not None:
            attempts.append(int(time.time()) - began)
        freezer.tick(5)
    for sooner, later in itertools.pairwise(attempts):
        least = min(sooner + 15, 900, HOUR - sooner)
        assert least <= later - sooner <= 1.2 * least + 5, attempts
    assert 9 <= len(attempts) <= 11
    assert HOUR <= attempts[-1] <= 1.05 * HOUR
    assert len(hook.posted) == len(attempts)
    webhook = shown(invoke)
    assert webhook["failedAt"] == began + attempts[-1]
    assert webhook["lastError"] == "It answered with status 503."


def test_a_message_that_comes_late_is_tried_before_it_is_given_up(invoke, queue, hook, freezer):
    registered(invoke, hook.url)
    queue.tell()
    freezer.tick(2 * HOUR)  # nobody took anything out of the queue meanwhile
    assert queue.carry() == 0
    assert len(hook.posted) == 1
    assert "failedAt" not in shown(invoke)


def test_what_was_given_up_stays_to_be_seen_when_others_are_taken(invoke, queue, hook, freezer):
    registered(invoke, hook.url)
    hook.answers_with(500)
    queue.tell(at=int(time.time()) - HOUR)
    queue.carry()
    failed = shown(invoke)["failedAt"]
    hook.says(TAKEN)
    freezer.tick(60)
    queue.tell(event_id="another")
    assert queue.carry() == 0
    assert shown(invoke)["failedAt"] == failed


def test_one_that_fails_holds_up_no_other(invoke, queue, hook):
    registered(invoke, hook.url)
    registered(invoke, "http://127.0.0.1:1024/nobody")
    queue.tell()
    assert queue.carry() == 1
    assert (len(hook.posted), len(queue)) == (1, 1)


def test_what_is_on_its_way_to_a_deleted_webhook_is_dropped(invoke, queue, hook):
    made = registered(invoke, hook.url)
    queue.tell()
    invoke("webhook-delete", userId=ADA, id=made["id"])
    registered(invoke, hook.url)  # another, which was not told of
    assert queue.carry() == 0
    assert (hook.posted, len(queue)) == ([], 0)


def test_a_webhook_that_is_deleted_while_it_is_posted_to_stays_deleted(
    invoke, queue, hook, meanwhile
):
    made = registered(invoke, hook.url)
    hook.answers_with(500)
    queue.tell(at=int(time.time()) - HOUR)
    with meanwhile("UpdateItem", lambda: invoke("webhook-delete", userId=ADA, id=made["id"])):
        assert queue.carry() == 0
    assert [item for item in world.items("webhooks") if "failedAt" in item] == []


# --- what AWS and the process do


def test_what_happens_is_told_though_it_could_not_be_queued_at_first(
    invoke, queue, hook, meanwhile
):
    registered(invoke, hook.url)
    for mode in (BEFORE, AFTER):
        with meanwhile("SendMessage", mode=mode), pytest.raises(AWS_FAILURES):
            queue.tell()
    queue.tell()
    queue.carry()
    told = [posted.headers["webhook-id"] for posted in hook.posted]
    assert set(told) == {NAME}
    assert len(told) == 2  # the second attempt had reached the queue


@pytest.mark.parametrize(
    "call", ["GetItem", "GetSecretValue", "UpdateItem", "ChangeMessageVisibility"]
)
@pytest.mark.parametrize("mode", [BEFORE, AFTER])
def test_a_message_is_not_lost_whatever_call_to_aws_fails(
    invoke, queue, hook, meanwhile, freezer, call, mode
):
    registered(invoke, hook.url)
    world.new_process()
    hook.answers_with(500)
    late = call == "UpdateItem"
    queue.tell(at=int(time.time()) - (HOUR if late else 0))
    with meanwhile(call, mode=mode):
        assert queue.carry() == 1
    hook.says(TAKEN)
    hook.posted.clear()
    freezer.tick(1801 if call == "ChangeMessageVisibility" else 72)
    assert queue.carry() == 0
    assert len(hook.posted) == 1
    assert len(queue) == 0


@pytest.mark.parametrize("mode", [DIES_BEFORE, DIES_AFTER])
@pytest.mark.parametrize("call", ["dynamodb.GetItem", "sqs.ChangeMessageVisibility"])
def test_a_message_is_not_lost_when_the_process_dies(invoke, queue, hook, freezer, mode, call):
    registered(invoke, hook.url)
    hook.answers_with(500)
    queue.tell()
    event = queue.take()
    AWS.begin((Call(call, 0), mode))
    with suppress(ProcessDied):
        invoke(event)
    assert AWS.died
    AWS.end()
    world.new_process()
    hook.says(TAKEN)
    hook.posted.clear()
    freezer.tick(1801)
    assert queue.carry() == 0
    assert (len(hook.posted), len(queue)) == (1, 0)


def test_a_message_that_was_posted_when_the_process_died_comes_again_under_its_id(
    invoke, queue, hook, freezer
):
    registered(invoke, hook.url)
    queue.tell()
    invoke(queue.take())  # and whatever it answered never reached Lambda
    freezer.tick(1801)
    assert queue.carry() == 0
    assert [posted.headers["webhook-id"] for posted in hook.posted] == [NAME, NAME]


def test_a_message_that_makes_no_sense_is_left_for_the_operator(invoke, queue, hook, capsys):
    registered(invoke, hook.url)
    for body in ("x", "{}", '{"userId": "ada", "type": "function.forgotten"}'):
        world.client("sqs").send_message(QueueUrl=queue.url, MessageBody=body)
    queue.tell()
    assert queue.carry() == 3  # SQS moves them to the dead letters when they have come often enough
    assert len(hook.posted) == 1
    assert capsys.readouterr().out.count("a message was not carried out") == 3


def test_messages_of_another_queue_are_refused_and_stay_there(invoke, queue, hook):
    registered(invoke, hook.url)
    queue.tell()
    event = queue.take()
    for record in event["Records"]:
        record["eventSourceARN"] += "-of-somebody-else"
    with pytest.raises(RetryLater, match="PERMISSION_DENIED"):
        invoke(event)
    assert hook.posted == []


@pytest.mark.parametrize(
    "records",
    [[], None, "x", [None], [{}], [{"eventSource": "aws:s3"}], [{"eventSource": "aws:sns"}]],
)
def test_an_event_of_another_kind_is_none_of_a_queue(invoke, records):
    assert invoke({"Records": records})["errorCode"] == "VALIDATION_ERROR"


def test_nobody_but_the_platform_itself_delivers(invoke):
    asked = {"userId": ADA, "records": []}
    assert invoke("deliver-webhooks", **asked)["errorCode"] == "VALIDATION_ERROR"


def test_members_messages_are_told_apart_by_the_queue(invoke, queue, hook):
    """SQS, Fair queues: whose messages are many does not hold up those of others."""
    for user in (ADA, BEN):
        registered(invoke, hook.url, user=user)
        queue.tell(user)
    groups = {record["attributes"]["MessageGroupId"] for record in queue.take()["Records"]}
    assert groups == {ADA, BEN}
