"""The calls of Lambda Action over gRPC."""

from __future__ import annotations

import json
import threading
from typing import Any

import grpc
import pytest
from botocore.exceptions import ClientError, ReadTimeoutError

from handler.rpc import lambda_action_pb2 as messages
from handler.rpc.lambda_action_pb2_grpc import LambdaActionStub
from tests.http.issuing import own
from tests.http.shapes import ask
from tests.lambda_service import LAMBDA, Failed
from tests.rpc.clients import token_of
from tests.rpc.conftest import Served
from tests.world import new_process

pytestmark = pytest.mark.slow


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


def asked(call: str, token: str, function_name: str = "my-function") -> Any:
    """A request of each call."""
    return {
        "InvokeFunction": messages.InvokeFunctionRequest(
            function_name=function_name, payload="{}", token=token
        ),
        "InvokeAsync": messages.InvokeAsyncRequest(
            function_name=function_name, payload="{}", token=token
        ),
        "BatchInvoke": messages.BatchInvokeRequest(
            invocations=[messages.InvokeFunctionRequest(function_name=function_name, payload="{}")],
            token=token,
        ),
        "ListFunctions": messages.ListFunctionsRequest(token=token),
        "GetFunctionConfig": messages.GetFunctionConfigRequest(
            function_name=function_name, token=token
        ),
    }[call]


def status_of(stub: LambdaActionStub, call: str, request: Any, **more: Any) -> str:
    """The status of a call; where it is OK, whether the message speaks of success."""
    try:
        answer = getattr(stub, call)(request, timeout=20, **more)
    except grpc.RpcError as refused:
        assert dict(refused.trailing_metadata())["x-request-id"]  # noqa: PT017 - any status may be right
        return refused.code().name
    if call == "BatchInvoke":
        (answer,) = answer.responses
    return "OK" if answer.success else f"OK, {answer.status_code}"


CALLS = ("InvokeFunction", "InvokeAsync", "BatchInvoke", "ListFunctions", "GetFunctionConfig")
NOBODY = ("UNAUTHENTICATED",) * 5
TABLE = {
    "no token": NOBODY,
    "garbage": NOBODY,
    "expired": NOBODY,
    "of another key": NOBODY,
    "revoked client": NOBODY,
    "rotated client": NOBODY,
    "no scope at all": ("PERMISSION_DENIED",) * 5,
    "invoke only": ("OK", "OK", "OK", "PERMISSION_DENIED", "PERMISSION_DENIED"),
    "read only": ("PERMISSION_DENIED",) * 3 + ("OK", "OK"),
    # A batch is a list of outcomes: what is refused is said in its place.
    "other functions": (
        "PERMISSION_DENIED",
        "PERMISSION_DENIED",
        "OK, 403",
        "OK",
        "PERMISSION_DENIED",
    ),
    "right client": ("OK",) * 5,
    "member": ("PERMISSION_DENIED",) * 5,
    "admin": ("OK",) * 5,
    "admin for another": ("OK",) * 5,
}


def test_each_call_answers_each_kind_of_token_as_the_table_says(stub, token, invoke, freezer):
    LAMBDA.has("my-function", lambda event: "done")
    everything = {"scopes": ["invoke", "read"], "functions": ["my-*"]}
    tokens = {
        "no token": "",
        "garbage": "garbage",
        "of another key": own("admin", "another-key-of-which-nobody-knows-anything-at-all"),
        "expired": token_of(invoke, "late", **everything),
        "revoked client": token_of(invoke, "gone", **everything),
        "rotated client": token_of(invoke, "anew", **everything),
    }
    invoke("client-revoke", userId="admin", clientId="gone")
    invoke("client-rotate", userId="admin", clientId="anew")
    freezer.tick(3700)
    tokens |= {
        "no scope at all": token_of(invoke, "bot", scopes=["user"], functions=["my-*"]),
        "invoke only": token_of(invoke, "caller", scopes=["invoke"], functions=["my-*"]),
        "read only": token_of(invoke, "reader", scopes=["read"], functions=["my-*"]),
        "other functions": token_of(invoke, "other", **everything | {"functions": ["other-*"]}),
        "right client": token_of(invoke, "right", **everything),
        "member": own("ada"),
        "admin": own("admin"),
        "admin for another": own("admin", scope="user admin"),
    }
    found = {
        kind: tuple(status_of(stub, call, asked(call, given)) for call in CALLS)
        for kind, given in tokens.items()
    }
    assert found == {kind: TABLE[kind] for kind in tokens}
    assert found.keys() == TABLE.keys()


def test_a_token_may_come_in_the_calls_metadata(stub, token):
    LAMBDA.has("my-function", lambda event: "done")
    metadata = (("authorization", f"Bearer {token}"),)
    for call in CALLS:
        assert status_of(stub, call, asked(call, ""), metadata=metadata) == "OK"


def test_the_token_of_an_invocation_within_a_batch_counts_for_nothing(stub, token):
    request = messages.BatchInvokeRequest(invocations=[asked("InvokeFunction", token)])
    assert status_of(stub, "BatchInvoke", request) == "UNAUTHENTICATED"


@pytest.mark.parametrize(
    ("request_of", "said"),
    [
        ({"payload": "{}"}, "Missing function_name or payload"),
        ({"function_name": "my-function"}, "Missing function_name or payload"),
        ({"function_name": "my function", "payload": "{}"}, "function_name"),
        (
            {"function_name": "my-function", "payload": "{}", "invocation_type": "Soon"},
            "invocation_type",
        ),
        ({"function_name": "my-function", "payload": "{}", "alias": "a b"}, "alias"),
        ({"function_name": "my-function:1", "payload": "{}", "alias": "prod"}, "function_name"),
    ],
)
def test_what_is_malformed_is_told_by_the_status_with_the_field(stub, token, request_of, said):
    with pytest.raises(grpc.RpcError) as refused:
        stub.InvokeFunction(messages.InvokeFunctionRequest(**request_of, token=token))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert said in refused.value.details()


def test_what_a_batch_lacks_is_told_by_the_status_too(stub, token):
    nothing = messages.BatchInvokeRequest(token=token)
    half = messages.BatchInvokeRequest(token=token, invocations=[{"function_name": "my-function"}])
    for request, said in ((nothing, "Missing invocations list"), (half, "payload is missing")):
        with pytest.raises(grpc.RpcError) as refused:
            stub.BatchInvoke(request)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert said in refused.value.details()


def test_what_is_empty_or_0_is_as_not_given(stub, token):
    LAMBDA.has("my-function", lambda event: "done", prod="1")
    request = asked("InvokeFunction", token)
    request.invocation_type = request.alias = request.version = ""
    answer = stub.InvokeFunction(request)
    assert (answer.status_code, answer.executed_version) == (200, "$LATEST")
    listing = messages.ListFunctionsRequest(token=token, max_items=0, next_marker="")
    assert len(stub.ListFunctions(listing).functions) == 1


def test_every_answer_has_the_requests_id(stub, token):
    _, call = stub.ListFunctions.with_call(asked("ListFunctions", token))
    assert dict(call.trailing_metadata())["x-request-id"]


def test_a_function_that_does_not_answer_in_time_is_told_by_the_status(stub, token, monkeypatch):
    def never(event):
        raise ReadTimeoutError(endpoint_url="https://lambda.us-east-1.amazonaws.com")

    monkeypatch.setenv("REQUEST_TIMEOUT", "1")
    new_process()
    LAMBDA.has("my-function", never)
    with Served() as slow, pytest.raises(grpc.RpcError) as refused:
        LambdaActionStub(slow).InvokeFunction(asked("InvokeFunction", token))
    assert refused.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert "within 1 seconds" in refused.value.details()


def test_what_aws_says_to_a_question_is_in_the_message_too(stub, token, meanwhile):
    def refuses():
        raise ClientError({"Error": {"Code": "AccessDeniedException"}}, "ListFunctions")

    missing = stub.GetFunctionConfig(asked("GetFunctionConfig", token, "my-missing"))
    assert not missing.success
    assert missing.error.startswith("Failed to retrieve function configuration")
    assert not missing.HasField("function_info")
    with meanwhile("ListFunctions", refuses):
        refused = stub.ListFunctions(asked("ListFunctions", token))
    assert not refused.success
    assert refused.error.startswith("AWS Lambda client error: AccessDeniedException")


def test_what_aws_says_is_in_the_message(stub, token):
    answer = stub.InvokeFunction(asked("InvokeFunction", token, "my-missing"))
    assert (answer.success, answer.status_code) == (False, 404)
    assert answer.error.startswith("AWS Lambda client error: There is no such function")


def test_an_asynchronous_invocation_says_its_request_id(stub, token):
    LAMBDA.has("my-function", lambda event: "done")
    answer = stub.InvokeAsync(asked("InvokeAsync", token))
    assert (answer.success, answer.status_code) == (True, 202)
    assert answer.request_id
    failed = stub.InvokeAsync(asked("InvokeAsync", token, "my-missing"))
    assert (failed.success, failed.status_code) == (False, 0)
    assert failed.error


def test_an_alias_counts_before_a_version(stub, token):
    LAMBDA.has("my-function", lambda event: "done", prod="2", dev="1")
    request = asked("InvokeFunction", token)
    request.alias, request.version = "prod", "1"
    assert stub.InvokeFunction(request).executed_version == "2"


def test_a_batch_answers_in_order_and_one_failure_leaves_the_others_alone(stub, token):
    LAMBDA.has("my-function", lambda event: event)
    names = ["my-function", "my-missing", "my-function"]
    request = messages.BatchInvokeRequest(
        invocations=[
            messages.InvokeFunctionRequest(function_name=name, payload=str(n))
            for n, name in enumerate(names)
        ],
        token=token,
    )
    answers = stub.BatchInvoke(request).responses
    assert [answer.success for answer in answers] == [True, False, True]
    assert [answer.payload for answer in answers] == ["0", "", "2"]


def test_a_payload_of_six_megabytes_passes_and_a_longer_one_is_refused(stub, token):
    LAMBDA.has("my-function", len)
    whole = messages.InvokeFunctionRequest(function_name="my-function", token=token)
    whole.payload = json.dumps("x" * (6 * 1024 * 1024 - 2))
    assert stub.InvokeFunction(whole).success
    whole.payload = json.dumps("x" * (6 * 1024 * 1024 - 1))
    assert status_of(stub, "InvokeFunction", whole) == "RESOURCE_EXHAUSTED"


def test_who_finds_all_places_taken_is_refused_at_once_with_the_time_to_wait(
    token, channel, monkeypatch
):
    monkeypatch.setenv("MAX_CONCURRENT_REQUESTS", "2")
    new_process()
    under_way, may_end = threading.Semaphore(0), threading.Event()

    def waits(event):
        under_way.release()
        return may_end.wait(20)

    LAMBDA.has("my-function", waits)
    with Served() as limited:
        stub = LambdaActionStub(limited)
        waiting = [stub.InvokeFunction.future(asked("InvokeFunction", token)) for _ in range(2)]
        assert all(under_way.acquire(timeout=10) for _ in waiting)
        for call in ("InvokeFunction", "InvokeAsync", "BatchInvoke"):
            with pytest.raises(grpc.RpcError) as refused:
                getattr(stub, call)(asked(call, token))
            assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert dict(refused.value.trailing_metadata())["retry-after"] == "1"
        may_end.set()
        assert all(future.result(20).success for future in waiting)
    assert LAMBDA.most_at_once == 2


def test_nothing_of_a_call_is_in_the_log_that_is_secret(stub, token, capsys):
    LAMBDA.has("my-function", lambda event: "done")
    request = asked("InvokeFunction", token)
    request.payload = '{"password": "of-a-member"}'
    stub.InvokeFunction(request)
    said = capsys.readouterr().out
    line = next(json.loads(x) for x in said.splitlines() if "invoke-function" in x)
    assert (line["userId"], line["message"]) == ("client:my_client", "answered")
    assert line["details"] == {"method": "invoke-function", "status": "OK"}
    assert token not in said
    assert "of-a-member" not in said


def test_calls_are_counted_by_what_they_are_and_how_they_ended(stub, token):
    before = metrics_of("rpc_calls_total")
    status_of(stub, "ListFunctions", asked("ListFunctions", token))
    status_of(stub, "ListFunctions", asked("ListFunctions", "garbage"))
    after = metrics_of("rpc_calls_total")
    new = {labels: n - before.get(labels, 0) for labels, n in after.items()}
    assert {labels: n for labels, n in new.items() if n} == {
        '{action="list-functions",status="OK"}': 1,
        '{action="list-functions",status="UNAUTHENTICATED"}': 1,
    }


def metrics_of(name: str) -> dict[str, float]:
    """A metric by its labels, as Prometheus reads it."""
    text = ask("GET", "/metrics", token=own("ada")).body.decode()
    lines = [line.removeprefix(name) for line in text.splitlines() if line.startswith(name)]
    return {labels: float(n) for labels, _, n in (line.rpartition(" ") for line in lines)}
