"""Whatever arrives over HTTP, through Mangum: an answer in JSON, never a failure inside."""

from __future__ import annotations

import json
from urllib.parse import urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from handler.app import lambda_handler
from tests import proof
from tests.handler.test_recognising_events import FIELDS, json_values
from tests.http.issuing import own
from tests.http.shapes import SHAPES, Asked, send
from tests.world import Context, sample

SIZES = [
    pytest.param(150, id="small"),
    pytest.param(5000, id="full", marks=pytest.mark.prove),
]
SOME_ACTIONS = ["create-instance", "status", "schedule-session", "list-data", "chat", "list-all"]
paths = st.one_of(
    st.sampled_from(["/", "/chat", "/users", "/v1/actions/status", "/webhooks/kofi", "/api/x"]),
    st.text(max_size=30).map(lambda text: "/" + text),
)
bodies = st.one_of(
    st.none(),
    st.binary(max_size=60).map(lambda raw: raw.decode("utf-8", "replace").encode()),
    json_values.map(lambda value: json.dumps(value).encode()),
    st.fixed_dictionaries(
        {"action": st.sampled_from(SOME_ACTIONS)},
        optional=dict.fromkeys([*FIELDS, "message", "where", "startTime"], json_values),
    ).map(lambda value: json.dumps(value).encode()),
)
header_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
query_texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
MEMBERS = """body headers multiValueHeaders path httpMethod queryStringParameters isBase64Encoded requestContext
    version cookies rawQueryString resource multiValueQueryStringParameters"""
shapes_of_http = ("alb", "alb-multi-value", "api-gateway-v1", "api-gateway-v2", "function-url")


@pytest.mark.parametrize("size", SIZES)
def test_no_request_whatsoever_makes_a_failure_inside(http, bedrock, size):
    statuses: dict[int, int] = {}

    @settings(max_examples=size, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        shape=st.sampled_from(list(SHAPES.values())),
        method=st.sampled_from(["GET", "POST", "PUT", "OPTIONS", "HEAD", "BREW"]),
        path=paths,
        query=st.dictionaries(query_texts, query_texts, max_size=3),
        headers=st.dictionaries(
            st.sampled_from(["authorization", "host", "origin", "content-length", "x-a", "cookie"]),
            header_texts,
        ),
        body=bodies,
        known=st.booleans(),
    )
    def ask_anything(shape, method, path, query, headers, body, known):
        given_headers = headers | ({"authorization": f"Bearer {own('ada')}"} if known else {})
        asked = Asked(method, path, urlencode(query), given_headers, body)
        answer = send(shape(asked))
        statuses[answer.status] = statuses.get(answer.status, 0) + 1
        assert 200 <= answer.status < 500, answer
        assert answer.headers["x-request-id"]
        if method == "HEAD":
            assert answer.body == b""
        elif answer.headers["content-type"] == "application/json":
            assert isinstance(answer.json, dict)

    ask_anything()
    assert statuses[200] > size / 50
    proof.record(
        "HTTP, whatever arrives",
        f"{sum(statuses.values()):,} requests of any form in nine shapes of event: no failure inside",
        sum(statuses.values()),
    )


@pytest.mark.parametrize("size", SIZES)
def test_no_event_whatsoever_that_looks_like_http_makes_a_failure_inside(http, size):
    """Members of the event that AWS would never write so: a bug of somebody's, or a test invocation."""
    members = st.sampled_from(MEMBERS.split())
    asked = 0

    @settings(max_examples=size, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        name=st.sampled_from(shapes_of_http),
        broken=st.dictionaries(members, json_values, max_size=3),
        gone=st.sets(members, max_size=2),
    )
    def invoke_with_anything(name, broken, gone):
        nonlocal asked
        asked += 1
        event = sample(f"http/{name}") | broken
        event = {member: value for member, value in event.items() if member not in gone}
        answer = lambda_handler(event, Context())
        assert answer.get("statusCode", 400) < 500, (event, answer)
        assert answer.get("errorCode") != "INTERNAL_ERROR"
        json.dumps(answer)

    invoke_with_anything()
    proof.record(
        "HTTP, whatever arrives",
        f"{asked:,} events that only look like HTTP: no failure inside",
        asked,
    )
