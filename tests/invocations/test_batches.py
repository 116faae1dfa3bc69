"""Many functions in one request, and how many may be under way at once."""

from __future__ import annotations

import json
import time
from collections import Counter

import pytest

from tests import world
from tests.http.shapes import ask
from tests.invocations.conftest import at_once
from tests.lambda_service import LAMBDA, SYNCHRONOUS, Failed, Refusal

pytestmark = pytest.mark.slow


def batch(client, *invocations):
    return ask("POST", "/api/v1/batch", {"invocations": list(invocations)}, token=client)


def call(number=0, **more):
    return {"function_name": "my-function", "payload": json.dumps(number), **more}


def raising(error):
    def act(_):
        raise error

    return act


@pytest.fixture
def at_most(monkeypatch):
    """Let so many invocations be under way at once."""

    def allow(count):
        monkeypatch.setenv("MAX_CONCURRENT_REQUESTS", str(count))
        world.new_process()

    return allow


def taking(seconds):
    """What a function does that takes a while, less for a greater number."""

    def act(number):
        time.sleep(seconds / (1 + number))
        return number

    return act


def slow(event):
    time.sleep(0.2)
    return event


def test_results_are_in_the_order_of_what_was_asked_for(client):
    LAMBDA.has("my-function", taking(0.2))
    answer = batch(client, *(call(number) for number in range(40)))
    assert answer.status == 200
    assert [json.loads(result["payload"]) for result in answer.json["results"]] == [*range(40)]


def test_a_result_has_each_of_the_contracts_fields(client):
    ok, failed = batch(client, call(), call(function_name="my-other")).json["results"]
    contracts = {"success", "status_code", "payload", "error", "executed_version", "log_result"}
    assert contracts <= ok.keys()
    assert contracts <= failed.keys()
    assert (ok["success"], ok["error"]) == (True, None)
    assert (failed["success"], failed["payload"], failed["log_result"]) == (False, None, None)


def test_what_fails_leaves_the_others_alone(client):
    LAMBDA.has("my-failing", raising(Failed("no dice")))
    LAMBDA.has("my-busy", raising(Refusal("TooManyRequestsException", 429)))
    results = batch(
        client,
        call(),
        call(function_name="my-failing"),
        call(function_name="your-function"),
        call(function_name="my function"),
        call(function_name="my-busy"),
        call(payload="{"),
        call(payload=json.dumps("x" * 1_100_000), invocation_type="Event"),
        call(invocation_type="Event"),
        call(invocation_type="DryRun"),
        call(),
    ).json["results"]
    assert [result["status_code"] for result in results] == [
        *(200, 500, 403, 400, 429),
        *(400, 413, 202, 204, 200),
    ]
    assert [result["success"] for result in results].count(True) == 4
    assert all(result["error"] for result in results if not result["success"])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"invocations": None},
        {"invocations": []},
        {"invocations": {}},
        {"invocations": "x"},
        {"invocations": [7]},
        {"invocations": [None]},
        {"invocations": [{}]},
        {"invocations": [call(), {"function_name": "my-function"}]},
        {"invocations": [call()] * 101},
        {"invocations": [call(invocation_type="Never")]},
    ],
    ids=lambda body: str(body)[:50],
)
def test_what_is_no_batch_invokes_nothing(client, body):
    answer = ask("POST", "/api/v1/batch", body, token=client)
    assert answer.status == 400
    assert LAMBDA.invoked == []


def test_a_hundred_are_invoked_25_at_once(client):
    LAMBDA.has("my-function", slow)
    results = batch(client, *(call(number) for number in range(100))).json["results"]
    assert [result["success"] for result in results] == [True] * 100
    assert len(LAMBDA.invoked) == 100
    assert LAMBDA.most_at_once == 25


def test_an_answer_is_bounded_however_much_the_functions_say(client):
    LAMBDA.has("my-large", lambda _: "x" * (SYNCHRONOUS - 200_000))
    LAMBDA.has("my-middling", lambda _: "x" * 2_000_000)
    names = ["my-large", "my-middling", "my-middling", "my-middling", "my-function"]
    answer = batch(client, *(call(function_name=name) for name in names))
    assert answer.status == 200
    assert len(json.dumps(answer.body.decode())) < 6_000_000
    results = answer.json["results"]
    # Who comes first has the room.
    statuses = [result["status_code"] for result in results]
    assert (statuses[0], sorted(statuses[1:4]), statuses[4]) == (413, [200, 200, 413], 200)
    assert "It was invoked" in results[0]["error"]


# --- how many at once


def test_beyond_the_limit_who_asks_is_told_when_to_ask_again_and_nothing_is_lost(client, at_most):
    at_most(3)
    ask("GET", "/api/v1/functions", token=client)  # loads what the others need
    LAMBDA.has("my-function", slow)
    answers = at_once(12, lambda number: ask("POST", "/api/v1/invoke", call(number), token=client))
    statuses = Counter(answer.status for answer in answers)
    assert set(statuses) == {200, 429}
    assert statuses[200] == len(LAMBDA.invoked) >= 3
    assert LAMBDA.most_at_once <= 3
    for answer in answers:
        if answer.status == 429:
            assert answer.headers["retry-after"] == "1"
            assert "was not begun" in answer.json["error"]
    assert ask("POST", "/api/v1/invoke", call(), token=client).status == 200
    logged = ask("GET", "/api/v1/invocations", token=client).json["invocations"]
    assert Counter(record["status_code"] for record in logged) == statuses + Counter({200: 1})


def test_a_batch_waits_for_places_instead_of_losing_what_it_has_no_place_for(client, at_most):
    at_most(2)
    LAMBDA.has("my-function", taking(0.1))
    results = batch(client, *(call(number) for number in range(30))).json["results"]
    assert [result["success"] for result in results] == [True] * 30
    assert LAMBDA.most_at_once == 2


def test_a_batch_for_which_there_is_no_place_at_all_is_not_begun(client, at_most):
    at_most(1)
    answers = []

    def meanwhile(_):
        answers.append(batch_in_a_thread(client))

    LAMBDA.has("my-function", meanwhile)
    assert ask("POST", "/api/v1/invoke", call(), token=client).status == 200
    assert answers[0].status == 429
    assert answers[0].headers["retry-after"] == "1"
    assert len(LAMBDA.invoked) == 1


def batch_in_a_thread(client):
    (answer,) = at_once(1, lambda _: batch(client, call()))
    return answer


def test_a_place_is_free_again_whatever_happens(client, at_most):
    at_most(1)
    for error in (Failed("x"), Refusal("ServiceException", 500), RuntimeError("inside")):
        LAMBDA.has("my-function", raising(error))
        assert ask("POST", "/api/v1/invoke", call(), token=client).status == 500
    LAMBDA.has("my-function", lambda event: event)
    assert ask("POST", "/api/v1/invoke", call(), token=client).status == 200
