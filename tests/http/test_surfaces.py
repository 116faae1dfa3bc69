"""What each surface answers, and in which words it refuses."""

from __future__ import annotations

import base64
import gzip
import json
import re
import time
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from handler.http.application import SURFACES
from handler.http.openapi import EVENTS
from handler.http.surface import brief
from services.mock_data import endpoints
from tests import bedrock_server, world
from tests.aws_calls import AWS
from tests.http.issuing import own
from tests.http.shapes import SHAPES, Asked, ask, send, v2
from tests.world import Context

SECURITY = {
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "x-xss-protection": "0",
    "strict-transport-security": "max-age=31536000; includeSubDomains",
    "cache-control": "no-store",
}


def get(path, query=""):
    return ask("GET", path, token=own("ada"), query=query)


def test_status_is_the_contracts_object(http):
    said = get("/status").json
    assert list(said) == ["status", "timestamp", "version", "service", "environment", "user"]
    assert said | {"timestamp": None} == {
        "status": "ok",
        "timestamp": None,
        "version": "1.0",
        "service": world.FUNCTION,
        "environment": "test",
        "user": "ada",
    }
    assert abs(datetime.fromisoformat(said["timestamp"]).timestamp() - time.time()) < 60


def test_root_and_health_say_that_all_is_well(http):
    assert get("/").json["status"] == "healthy"
    assert get("/health").json["status"] == "healthy"
    assert get("/healthz").json == {"status": "healthy"}


def test_health_says_what_the_contract_of_invocations_says(http, freezer):
    """Lambda Action, Health Check: of a function, which listens on no port."""
    freezer.move_to("2026-11-26T10:30:00Z")
    assert ask("GET", "/health").json == {
        "status": "healthy",
        "module": "lambda_action_module",
        "version": "1.0.0",
        "timestamp": "2026-11-26T10:30:00.000000",
        "config": {
            "module_name": "lambda_action_module",
            "module_version": "1.0.0",
            "grpc_port": None,
            "rest_port": None,
            "database_configured": True,
            "aws_configured": True,
            "aws_region": "us-east-1",
            "max_concurrent_requests": 100,
            "request_timeout": 30,
            "log_level": "INFO",
        },
    }


@pytest.mark.parametrize("path", ["/api/v2/invoke", "/api/v1x", "/api/", "/api/v/1"])
def test_all_below_api_but_v1_says_what_arrived(http, path):
    assert get(path, "page=2").json == {
        "method": "GET",
        "path": path,
        "query": {"page": "2"},
        "user": "ada",
    }


def test_below_api_v1_refusals_are_the_contracts(http):
    """Lambda Action, Error Response Format."""
    for method, path, status in (
        ("GET", "/api/v1/nothing", 404),
        ("GET", "/api/v1/", 404),
        ("GET", "/api/v1/invoke", 405),
        ("DELETE", "/api/v1/functions", 405),
        ("POST", "/api/v1/invoke", 401),
    ):
        answer = ask(method, path)
        assert (answer.status, answer.json["status_code"]) == (status, status), path
        assert list(answer.json) == ["success", "error", "status_code", "request_id"]
        assert answer.json["success"] is False


def test_ready_means_that_every_table_answers(http, aws, freezer):
    tables = ["instances", "hosts", "runs", "licenses", "sessions"]
    ready = ask("GET", "/readyz")
    assert ready.status == 200
    assert {name: ready.json["tables"][name] for name in tables} == dict.fromkeys(tables, "ready")
    world.client("dynamodb").delete_table(TableName=world.table_of("runs"))
    freezer.tick(5)
    broken = ask("GET", "/readyz")
    assert broken.status == 503
    assert broken.json["ready"] is False
    assert broken.json["tables"]["runs"] == "not ready"
    assert ask("GET", "/healthz").status == 200


def test_readiness_is_asked_once_in_five_seconds(http, freezer):
    AWS.begin()
    for _ in range(10):
        assert ask("GET", "/readyz").status == 200
    assert len(AWS.calls) == len(world.TABLES)
    freezer.tick(5)
    assert ask("GET", "/readyz").status == 200
    AWS.end()
    assert len(AWS.calls) == 2 * len(world.TABLES)


def test_metrics_count_by_route_and_never_by_what_somebody_chose(http):
    ask("GET", "/api/somebodys-secret-path", token=own("ada"))
    ask("BREW", "/somebodys-secret-path")
    text = get("/metrics").body.decode()
    assert 'http_requests_total{method="GET",route="/api/{path:elsewhere}",status="200"}' in text
    assert 'http_requests_total{method="other",route="none",status="404"}' in text
    assert "http_request_seconds_bucket" in text
    assert "somebodys-secret-path" not in text
    assert "ada" not in text


# --- chat


def chat(body):
    return ask("POST", "/chat", body, token=own("ada"))


def test_chat_asks_the_model_of_the_settings_with_all_that_was_said(http, bedrock):
    before = [{"user": "Which edition?", "assistant": "The fifth."}]
    answer = chat({"message": "Grappled?", "history": before})
    assert answer.json == {
        "answer": bedrock_server.ANSWER,
        "model": "amazon.nova-lite-v1:0",
        "usage": {"inputTokens": 5, "outputTokens": 9, "totalTokens": 14},
    }
    (asked,) = bedrock.asked
    assert "amazon.nova-lite" in asked["path"]
    said = [(m["role"], m["content"][0]["text"]) for m in asked["messages"]]
    assert said == [
        ("user", "Which edition?"),
        ("assistant", "The fifth."),
        ("user", "Grappled?"),
    ]
    assert "game masters" in asked["system"][0]["text"]
    assert asked["inferenceConfig"] == {"maxTokens": 800}


def test_model_prompt_and_length_are_settings(http, bedrock, monkeypatch):
    monkeypatch.setenv("CHAT_MODEL", "us.amazon.nova-pro-v1:0")
    monkeypatch.setenv("CHAT_PROMPT", "You are a dragon.")
    monkeypatch.setenv("CHAT_MAX_TOKENS", "50")
    world.new_process()
    assert chat({"message": "Hello?"}).json["model"] == "us.amazon.nova-pro-v1:0"
    assert bedrock.asked[0]["system"] == [{"text": "You are a dragon."}]
    assert bedrock.asked[0]["inferenceConfig"] == {"maxTokens": 50}


@pytest.mark.parametrize(
    ("fails_with", "status"),
    [
        ((429, "ThrottlingException"), 429),
        ((429, "ModelNotReadyException"), 429),
        ((400, "ServiceQuotaExceededException"), 429),
        ((408, "ModelTimeoutException"), 504),
        ((400, "ValidationException"), 400),
        ((403, "AccessDeniedException"), 500),
    ],
)
def test_what_the_model_refuses_becomes_a_status_that_says_what_to_do(
    http, bedrock, fails_with, status
):
    bedrock.fails_with = fails_with
    answer = chat({"message": "Hello?"})
    assert answer.status == status
    assert set(answer.json) == {"error", "message"}
    assert ("retry-after" in answer.headers) == (status == 429)
    if status == 429:
        assert int(answer.headers["retry-after"]) > 0
    assert "AccessDenied" not in answer.json["message"]


def test_a_refusal_for_too_much_is_the_contracts_over_the_generic_endpoint(http, bedrock):
    bedrock.fails_with = (429, "ThrottlingException")
    answer = ask("POST", "/v1/actions/chat", {"message": "Hello?"}, token=own("ada"))
    assert (answer.status, answer.json["errorCode"]) == (429, "RATE_LIMITED")
    assert answer.json["details"]["retryAfter"] == int(answer.headers["retry-after"])


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"message": ""},
        {"message": " \n"},
        {"message": "x" * 4001},
        {"message": 5},
        {"message": "x", "history": [{"user": "x", "assistant": "y"}] * 11},
        {"message": "x", "history": [{"user": "x"}]},
        {"message": "x", "history": "before"},
    ],
)
def test_a_chat_has_bounds(http, bedrock, body):
    assert chat(body).status == 400
    assert bedrock.asked == []


def test_a_chat_is_always_the_tokens_users_own(http, bedrock):
    assert chat({"message": "x", "userId": "bob"}).status == 200


# --- mock data


@pytest.mark.parametrize("name", endpoints())
def test_each_list_of_the_map_has_a_route_with_pages(http, name):
    whole = get(f"/{name}", "limit=100").json
    assert whole["total"] == len(whole["items"]) > 5
    first, second = get(f"/{name}", "limit=3").json, get(f"/{name}", "limit=3&offset=3").json
    assert first["items"] + second["items"] == whole["items"][:6]
    assert get(f"/{name}", "offset=9999").json["items"] == []


@pytest.mark.parametrize(
    ("path", "query", "field", "value"),
    [
        ("/users", "role=admin", "role", "admin"),
        ("/users", "active=false&role=game-master", "active", False),
        ("/products", "category=dice", "category", "dice"),
        ("/orders", "status=paid", "status", "paid"),
    ],
)
def test_a_list_is_filtered_by_field(http, path, query, field, value):
    items = get(path, query).json["items"]
    assert items
    assert {item[field] for item in items} == {value}


@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=x", "offset=-1", "colour=red", "role=a&role=b"]
)
def test_a_list_refuses_what_it_cannot_do_and_names_it(http, query):
    answer = get("/users", query)
    assert answer.status == 400
    assert query.split("=")[0] in answer.json["message"]


def test_lists_come_from_the_bucket_where_it_has_them(http, monkeypatch):
    s3 = world.client("s3")
    s3.create_bucket(Bucket="mock-data")
    users = [{"id": "u1", "role": "admin"}]
    s3.put_object(Bucket="mock-data", Key="users.json", Body=json.dumps(users).encode())
    monkeypatch.setenv("MOCK_DATA_BUCKET", "mock-data")
    world.new_process()
    assert get("/users").json["items"] == users
    assert get("/products").json["total"] > 5  # packaged: the bucket has none
    s3.put_object(Bucket="mock-data", Key="orders.json", Body=b'{"not": "a list"}')
    assert get("/orders").status == 500


# --- the description


def test_the_description_has_every_action_that_people_may_call_with_its_sample(http):
    made = get("/openapi.json").json
    assert made["openapi"].startswith("3.")
    asked = made["paths"]["/v1/actions/schedule-session"]["post"]["requestBody"]["content"]
    sample = json.loads((EVENTS / "schedule-session.json").read_text())
    example = asked["application/json"]["example"]
    assert example == {n: v for n, v in sample.items() if n not in ("action", "userId")}
    assert "/v1/actions/auto-shutdown-check" not in made["paths"]
    for path in ("/", "/status", "/chat", "/users", "/webhooks/kofi", "/api/{path}", "/metrics"):
        assert path in made["paths"], path
    assert made["paths"]["/status"]["get"]["security"] == [{"bearer": []}]
    assert "429" in made["paths"]["/chat"]["post"]["responses"]


def test_no_pattern_of_the_description_has_a_class_that_other_dialects_read_otherwise(http):
    patterns: list[str] = []

    def look(at: Any) -> None:
        for name, value in at.items() if isinstance(at, dict) else enumerate(at):
            if name == "pattern" and isinstance(value, str):
                patterns.append(value)
            elif isinstance(value, dict | list):
                look(value)

    look(get("/openapi.json").json)
    assert len(patterns) > 20
    assert [pattern for pattern in patterns if re.search(r"\\[sSwWdDbB]", pattern)] == []


def test_the_description_says_which_body_may_be_left_out(http):
    made = get("/openapi.json").json["paths"]
    assert made["/v1/functions/{name}:invoke"]["post"]["requestBody"]["required"] is False
    assert made["/v1/functions"]["post"]["requestBody"]["required"] is True


def test_the_description_is_open_to_everybody_by_setting_only(http, monkeypatch):
    assert ask("GET", "/openapi.json").status == ask("GET", "/docs").status == 401
    monkeypatch.setenv("DOCS_PUBLIC", "true")
    world.new_process()
    assert ask("GET", "/openapi.json").status == ask("GET", "/docs").status == 200
    assert "security" not in ask("GET", "/openapi.json").json["paths"]["/docs"]["get"]


def test_the_page_for_people_needs_nothing_from_anywhere_else(http):
    page = get("/docs")
    assert page.headers["content-type"].startswith("text/html")
    assert b"POST /v1/actions/create-instance" in page.body
    assert b"src=" not in page.body
    assert b"<script" not in page.body
    assert "default-src 'none'" in page.headers["content-security-policy"]


# --- what all answers have in common


@pytest.mark.parametrize(
    ("method", "path", "token"),
    [
        ("GET", "/health", None),
        ("GET", "/status", None),
        ("GET", "/nothing", None),
        ("POST", "/", "ada"),
        ("DELETE", "/users", None),
        ("GET", "/metrics", None),
    ],
)
def test_every_answer_has_its_id_and_the_security_headers(http, method, path, token):
    answer = ask(method, path, {} if method == "POST" else None, token=token and own(token))
    assert answer.headers["x-request-id"] == Context().aws_request_id
    assert {name: answer.headers[name] for name in SECURITY} == SECURITY
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_a_failure_inside_says_the_request_id_and_the_log_the_rest(http, aws, capsys):
    world.client("dynamodb").delete_table(TableName=world.table_of("instances"))
    answer = ask("POST", "/", {"action": "status"}, token=own("ada"))
    assert (answer.status, answer.json["errorCode"]) == (500, "INTERNAL_ERROR")
    assert answer.headers["x-request-id"] in answer.json["error"]
    line = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert line["requestId"] == answer.headers["x-request-id"]
    assert line["action"] == "status"
    assert line["userId"] == "ada"
    assert "ResourceNotFoundException" in line["details"]["exception"]


def test_each_surface_refuses_in_its_own_words(http):
    ours = ask("POST", "/v1/actions/status", {}, token=own("bob")).json
    assert list(ours) == ["success", "errorCode", "error", "details", "requestId"]
    for method, path in (("GET", "/status"), ("GET", "/api/x"), ("GET", "/x"), ("PUT", "/chat")):
        assert list(ask(method, path).json) == ["error", "message"], path
    assert ask("GET", "/status").json["error"] == "Unauthorized"


def test_every_module_with_routes_is_a_surface_of_the_application():
    for path in Path("handler/http").glob("*.py"):
        if "@router." in path.read_text():
            surface = import_module(f"handler.http.{path.stem}").SURFACE
            assert surface in SURFACES, f"add {path} to SURFACES in handler/http/application.py"


OWNING = [surface for surface in SURFACES if surface.words is not brief]


@pytest.mark.parametrize("surface", OWNING, ids=lambda surface: surface.router.routes[0].name)
def test_a_surface_with_words_of_its_own_owns_its_routes(surface):
    for route in surface.router.routes:
        for method in route.methods:
            assert surface.owns(route.path, method), (
                f"{method} {route.path} is none of its SURFACE: give `owns`, else its errors are `brief`"
            )


def test_a_method_that_an_address_has_not_is_told_which_it_has(http):
    answer = ask("PATCH", "/")
    assert answer.status == 405
    assert answer.headers["allow"] == "GET, HEAD, POST"
    assert ask("PATCH", "/chat").headers["allow"] == "POST"
    assert ask("OPTIONS", "/v1/functions/web:invoke").headers["allow"] == "POST"


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_head_is_answered_as_get_without_a_body(http, capsys, shape):
    for path in (
        "/",
        "/health",
        "/healthz",
        "/readyz",
        "/metrics",
        "/status",
        "/api/a/b",
        "/nothing",
    ):
        got = ask("GET", path, token=own("ada"), shape=shape)
        asked = ask("HEAD", path, token=own("ada"), shape=shape)
        assert (asked.status, asked.body) == (got.status, b""), path
        volatile = {"content-length"} if path in ("/status", "/metrics") else set()
        assert {n: v for n, v in asked.headers.items() if n not in volatile} == {
            n: v for n, v in got.headers.items() if n not in volatile
        }
    assert ask("HEAD", "/chat", shape=shape).status == 405
    assert ask("HEAD", "/status", shape=shape).status == 401
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    logged = [line["details"]["method"] for line in lines if line["details"].get("route") == "/"]
    assert logged == ["GET", "HEAD"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b'"status"',
        b"{",
        b'{"action": NaN}',
        b'{"action": 1e999}',
        b'{"action": "status", "x": "\\ud800"}',
        b"[" * 50_000,
        b'{"action": 7}',
        b"{}",
    ],
)
def test_a_body_that_is_no_json_object_with_an_action_is_refused(http, body):
    answer = ask("POST", "/", body, token=own("ada"))
    assert (answer.status, answer.json["errorCode"]) == (400, "VALIDATION_ERROR")


def test_a_number_without_a_fraction_is_whole_however_it_is_written(http, invoke):
    invoke(world.sample("create-instance", userId="ada"))
    body = b'{"idleMinutes": 30.0}'
    answer = ask("POST", "/v1/actions/set-auto-shutdown", body, token=own("ada"))
    assert answer.json["idleMinutes"] == 30


@pytest.mark.parametrize("encoding", ["gzip", "br", "GZIP", "identity, deflate"])
@pytest.mark.parametrize("path", ["/", "/v1/actions/status", "/chat", "/webhooks/kofi"])
def test_a_body_that_is_encoded_is_told_so(http, path, encoding):
    headers = {"authorization": f"Bearer {own('ada')}", "content-encoding": encoding}
    body = base64.b64encode(gzip.compress(b'{"action": "status"}')).decode()
    answer = send(
        v2(Asked("POST", path, headers=headers)) | {"body": body, "isBase64Encoded": True}
    )
    assert answer.status == 415
    assert encoding in answer.body.decode()
    assert answer.headers["accept-encoding"] == "identity"


def test_an_encoding_that_changes_nothing_or_has_no_body_is_none(http, invoke):
    invoke(world.sample("create-instance", userId="ada"))
    body = {"action": "status"}
    assert ask("POST", "/", body, token=own("ada"), content_encoding="identity").status == 200
    assert ask("POST", "/", body, token=own("ada"), content_encoding="").status == 200
    assert ask("GET", "/status", token=own("ada"), content_encoding="gzip").status == 200


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/", '{"action": …}'),
        ("/chat", '{"message": …}'),
        ("/v1/actions/status", "the action's fields"),
    ],
)
def test_a_body_that_is_no_object_is_told_the_form_of_its_address(http, path, form):
    for body in (b"[]", b'"status"', b"7"):
        answer = ask("POST", path, body, token=own("ada"))
        said = answer.json
        told = said["message"] if path == "/chat" else said["details"]["suggestion"]
        assert answer.status == 400
        assert form in told


def test_a_body_of_more_than_a_megabyte_is_refused(http):
    fits = b'{"action": "status", "x": "' + b"x" * 900_000 + b'"}'
    too_long = b'{"action": "status", "x": "' + b"x" * 1_000_000 + b'"}'
    assert ask("POST", "/", fits, token=own("ada")).status == 404
    assert ask("POST", "/", too_long, token=own("ada")).status == 413


# --- pages of other origins


def preflight(origin, method="POST", headers="authorization,content-type"):
    return ask(
        "OPTIONS",
        "/v1/actions/status",
        origin=origin,
        access_control_request_method=method,
        access_control_request_headers=headers,
    )


def test_a_browser_may_ask_for_a_page_of_an_allowed_origin(http):
    for origin in ("https://pages.example", "https://tools.example"):
        answer = preflight(origin)
        assert answer.status == 200
        assert answer.headers["access-control-allow-origin"] == origin
        methods = answer.headers["access-control-allow-methods"].split(", ")
        assert methods == ["GET", "HEAD", "POST", "PATCH", "DELETE"]
        assert "authorization" in answer.headers["access-control-allow-headers"].lower()
        asked = ask("GET", "/status", token=own("ada"), origin=origin)
        assert asked.headers["access-control-allow-origin"] == origin
        assert "x-request-id" in asked.headers["access-control-expose-headers"]


def test_a_refusal_can_be_read_by_an_allowed_page_too(http):
    refused = ask("GET", "/status", origin="https://pages.example")
    assert refused.status == 401
    assert refused.headers["access-control-allow-origin"] == "https://pages.example"


@pytest.mark.parametrize(
    ("origin", "method", "headers"),
    [
        ("https://evil.example", "POST", "authorization"),
        ("https://pages.example.evil", "POST", "authorization"),
        ("null", "POST", "authorization"),
        ("https://pages.example", "PUT", "authorization"),
        ("https://pages.example", "POST", "x-other"),
    ],
)
def test_a_browser_may_not_ask_for_anything_else(http, origin, method, headers):
    assert preflight(origin, method, headers).status == 400


def test_without_origins_no_page_may_call(http, monkeypatch):
    monkeypatch.setenv("CORS_ALLOW_ORIGINS", "")
    world.new_process()
    assert "access-control-allow-origin" not in preflight("https://pages.example").headers
