"""Clients have functions invoked, and get what the function, or AWS, says."""

from __future__ import annotations

import json

import pytest

from tests.http.shapes import ask
from tests.lambda_service import LAMBDA


@pytest.fixture
def client(invoke, aws, monkeypatch):
    """A client that may do everything with functions whose names begin with "my-"."""
    monkeypatch.setenv("INVOKABLE_FUNCTIONS", "my-*")
    from tests.world import new_process

    new_process()
    made = invoke(
        "client-create",
        userId="admin",
        clientId="my_client",
        scopes=["invoke", "read"],
        functions=["my-*"],
    )
    answer = ask(
        "POST", "/api/v1/token", {"client_id": "my_client", "client_secret": made["clientSecret"]}
    )
    return answer.json["token"]


def test_a_function_answers(client):
    LAMBDA.has("my-function", lambda event: {"result": event["key"]})
    answer = ask(
        "POST",
        "/api/v1/invoke",
        {"function_name": "my-function", "payload": '{"key": "value"}'},
        token=client,
    )
    assert answer.status == 200, answer.json
    assert answer.json["success"]
    assert json.loads(answer.json["payload"]) == {"result": "value"}
    listed = ask("GET", "/api/v1/invocations", token=client)
    assert listed.json["invocations"][0]["function_name"] == "my-function"
