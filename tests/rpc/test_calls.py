"""The calls of Lambda Action over gRPC."""

from __future__ import annotations

import json

import grpc
import pytest

from handler.rpc import lambda_action_pb2 as messages
from handler.rpc.lambda_action_pb2_grpc import LambdaActionStub
from tests.http.shapes import ask
from tests.lambda_service import LAMBDA, Failed
from tests.world import new_process


@pytest.fixture
def token(invoke, monkeypatch):
    """The token of a client that may do everything with functions whose names begin with "my-"."""
    monkeypatch.setenv("INVOKABLE_FUNCTIONS", "my-*")
    new_process()
    fields = {"scopes": ["invoke", "read"], "functions": ["my-*"]}
    made = invoke("client-create", userId="admin", clientId="my_client", **fields)
    answer = ask(
        "POST", "/api/v1/token", {"client_id": "my_client", "client_secret": made["clientSecret"]}
    )
    return answer.json["token"]


@pytest.fixture
def stub(token, channel):
    return LambdaActionStub(channel)


def test_a_function_answers(stub, token):
    LAMBDA.has("my-function", lambda event: {"result": event["key"]})
    answer = stub.InvokeFunction(
        messages.InvokeFunctionRequest(
            function_name="my-function", payload='{"key": "value"}', token=token
        )
    )
    assert (answer.success, answer.status_code, answer.error) == (True, 200, "")
    assert json.loads(answer.payload) == {"result": "value"}
    assert answer.executed_version == "$LATEST"
    assert answer.log_result.startswith("START")


def test_a_function_that_fails_is_told_in_the_message(stub, token):
    def fails(event):
        raise Failed("no such dice")

    LAMBDA.has("my-function", fails)
    answer = stub.InvokeFunction(
        messages.InvokeFunctionRequest(function_name="my-function", payload="{}", token=token)
    )
    assert not answer.success
    assert (answer.status_code, answer.function_error, answer.error) == (
        500,
        "Unhandled",
        "no such dice",
    )


def test_who_has_no_token_is_told_by_the_status(stub):
    with pytest.raises(grpc.RpcError) as refused:
        stub.InvokeFunction(
            messages.InvokeFunctionRequest(function_name="my-function", payload="{}")
        )
    assert refused.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert refused.value.details() == "Missing or invalid authorization header"
    assert dict(refused.value.trailing_metadata())["x-request-id"]
