"""What a member says of a function and is told, in the contract's words (EventFlow API Reference)."""

from __future__ import annotations

import handler.http.lambda_adapter  # noqa: F401 - before time stands still: FastAPI cannot be loaded then
from tests.http.issuing import own
from tests.http.shapes import ask


def call(method, path, body=None, user="alice", query=""):
    return ask(method, path, body, token=own(user), query=query)


ASKED = {
    "name": "my-function",
    "image": "nginx:alpine",
    "replicas": 2,
    "command": ["nginx", "-g", "daemon off;"],
    "env": {"ENV": "production", "LOG_LEVEL": "info"},
}


def test_a_new_function_is_pending_and_shown_as_the_contract_has_it(http, freezer):
    freezer.move_to("2026-11-08T10:30:00Z")
    answer = call("POST", "/v1/functions", ASKED)
    assert answer.status == 201
    assert answer.json == {
        "id": answer.json["id"],
        "user_id": "alice",
        "name": "my-function",
        "namespace": "tenant-alice",
        "image": "nginx:alpine",
        "replicas": 2,
        "command": ["nginx", "-g", "daemon off;"],
        "env": {"ENV": "production", "LOG_LEVEL": "info"},
        "cpu": 256,
        "memory": 512,
        "read_only": False,
        "status": "Pending",
        "available_replicas": 0,
        "created_at": "2026-11-08T10:30:00Z",
        "updated_at": "2026-11-08T10:30:00Z",
    }
    assert call("GET", "/v1/functions/my-function").json == answer.json
    assert call("GET", "/v1/functions").json == [answer.json]
    assert call("DELETE", "/v1/functions/my-function").status == 204
    assert call("GET", "/v1/functions").json == []
