"""/v1/webhooks: members' webhooks, in the words of the contract (EventFlow, Webhook Support)."""

from __future__ import annotations

import json
import re

import pytest

from tests.http.issuing import cognito, own
from tests.http.shapes import SHAPES, ask

URL = "https://hooks.example.com/functions"
ALL = ["function.created", "function.updated", "function.deleted", "function.invoked"]


def create(body, token=None, **more):
    return ask("POST", "/v1/webhooks", body, token=token or own("ada"), **more)


def listed(user="ada", **more):
    return ask("GET", "/v1/webhooks", token=own(user), **more).json


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_a_webhook_is_registered_listed_and_deleted(http, freezer, shape):
    freezer.move_to("2026-11-21T20:00:00Z")
    made = create({"url": URL, "events": ["function.invoked"]}, shape=shape)
    assert made.status == 201
    secret = made.json.pop("secret")
    found = made.json
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=", secret)
    assert found | {"secret": None} == {
        "id": found["id"],
        "url": URL,
        "events": ["function.invoked"],
        "created_at": "2026-11-21T20:00:00Z",
        "secret": None,
    }
    gone = ask("DELETE", f"/v1/webhooks/{found['id']}", token=own("ada"), shape=shape)
    assert (gone.status, gone.body) == (204, b"")
    assert listed(shape=shape) == []


def test_the_list_is_the_callers_own_and_has_no_secrets(http, freezer):
    made = [create({"url": f"{URL}/{n}"}).json for n in range(2)]
    assert made[0]["events"] == ALL
    without = [{n: v for n, v in each.items() if n != "secret"} for each in made]
    assert sorted(map(json.dumps, listed())) == sorted(map(json.dumps, without))
    assert listed("bob") == []
    other = ask("DELETE", f"/v1/webhooks/{made[0]['id']}", token=own("bob"))
    assert other.json == {
        "error": "Not Found",
        "message": f"webhook '{made[0]['id']}' not found",
    }
    assert len(listed()) == 2


def test_what_was_given_up_is_shown_with_its_moment(http, invoke, aws):
    from handler.app import platform

    create({"url": URL})
    (webhook,) = platform().webhooks.of_user("ada")
    platform().webhooks.note_failure(webhook, "It answered with status 503.", 1795291200)
    (shown,) = listed()
    assert shown["failed_at"] == "2026-11-21T20:00:00Z"
    assert shown["last_error"] == "It answered with status 503."


@pytest.mark.parametrize("body", [{}, {"url": None}, {"url": ""}, {"events": ALL}, {"URL": URL}])
def test_a_url_is_required(http, body):
    answer = create(body)
    assert (answer.status, answer.json) == (
        400,
        {"error": "Bad Request", "message": "url is required"},
    )


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"url": "http://hooks.example.com/"}, "https://"),
        ({"url": "https://127.0.0.1/"}, "everybody can reach"),
        ({"url": 7}, "url is not valid"),
        ({"url": URL, "events": ["function.forgotten"]}, "function.created"),
        ({"url": URL, "events": []}, "events"),
        ({"url": URL, "events": "function.created"}, "events"),
    ],
)
def test_what_is_wrong_with_a_request_is_said(http, body, said):
    answer = create(body)
    assert (answer.status, answer.json["error"]) == (400, "Bad Request")
    assert said in answer.json["message"]
    assert listed() == []


def test_a_second_one_for_a_url_and_an_eleventh_are_conflicts(http):
    for number in range(10):
        assert create({"url": f"{URL}/{number}"}).status == 201
    again, beyond = create({"url": f"{URL}/0"}), create({"url": URL})
    assert (again.status, beyond.status) == (409, 409)
    assert again.json["message"].startswith("there is a webhook for this url already")
    assert beyond.json["message"].startswith("you have 10 webhooks")


def test_who_sends_no_token_is_told_so_as_the_contract_has_it(http):
    for method, path in (
        ("POST", "/v1/webhooks"),
        ("GET", "/v1/webhooks"),
        ("DELETE", "/v1/webhooks/x"),
    ):
        answer = ask(method, path, {"url": URL} if method == "POST" else None)
        assert (answer.status, answer.json) == (
            401,
            {"error": "Unauthorized", "message": "missing authorization header"},
        )
        assert answer.headers["www-authenticate"] == 'Bearer realm="foundry"'
        bad = ask(method, path, {"url": URL} if method == "POST" else None, token="x")
        assert list(bad.json) == ["error", "message"]


def test_nobody_registers_for_another(http):
    made = create({"url": URL, "userId": "bob", "user_id": "bob"}, cognito("ada"))
    assert made.status == 201
    assert listed("bob") == []
    assert len(listed("ada")) == 1


@pytest.mark.parametrize("path", ["/v1/webhooks/", "/v1/webhooks/a/b", "/v1/webhooks-of-others"])
def test_beside_them_there_is_nothing(http, path):
    answer = ask("GET", path, token=own("ada"))
    assert answer.status == 404
    own_words = list(answer.json) == ["error", "message"]
    assert own_words is path.startswith("/v1/webhooks/")


def test_an_address_says_which_methods_it_takes(http):
    assert ask("PUT", "/v1/webhooks", token=own("ada")).headers["allow"] == "GET, HEAD, POST"
    assert ask("POST", "/v1/webhooks/x", token=own("ada")).headers["allow"] == "DELETE"
