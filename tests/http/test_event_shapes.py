"""Whatever shape an HTTP event has, the answer is the same."""

from __future__ import annotations

import json

import pytest

from handler.app import lambda_handler
from tests.http.issuing import own
from tests.http.shapes import SHAPES, ask
from tests.world import Context, sample

every_shape = pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))


@every_shape
def test_an_action_is_answered_as_a_direct_invocation_is(http, invoke, shape):
    invoke(sample("create-instance", userId="ada"))
    answer = ask("POST", "/", {"action": "status"}, token=own("ada"), shape=shape)
    assert answer.status == 200
    assert answer.json == invoke("status", userId="ada")
    assert answer.headers["content-type"] == "application/json"


@every_shape
def test_an_action_can_be_named_in_the_address(http, invoke, shape):
    answer = ask("POST", "/v1/actions/status", {}, token=own("ada"), shape=shape)
    assert answer.status == 404
    assert answer.json == invoke("status", userId="ada")


@every_shape
def test_query_path_and_body_arrive_as_they_were_sent(http, shape):
    said = ask("GET", "/api/a/ä b/c", token=own("ada"), query="q=x+y&lang=d%26e", shape=shape)
    assert said.json == {
        "method": "GET",
        "path": "/api/a/ä b/c",
        "query": {"q": "x y", "lang": "d&e"},
        "user": "ada",
    }


def test_the_samples_of_all_shapes_are_answered(http):
    for name in ("alb", "alb-multi-value", "api-gateway-v1", "api-gateway-v2", "function-url"):
        answer = lambda_handler(sample(f"http/{name}"), Context())
        assert answer["statusCode"] == 401, name
        assert json.loads(answer["body"])["errorCode"] == "UNAUTHENTICATED"
        assert ("multiValueHeaders" in answer) == (name in ("alb-multi-value", "api-gateway-v1"))
