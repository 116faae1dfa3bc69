"""Clients have functions invoked, and get what the function, or AWS, says: in the contract's words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectTimeoutError, ReadTimeoutError

from tests import world
from tests.http.issuing import of_client, own
from tests.http.shapes import SHAPES, ask
from tests.invocations.conftest import let_in
from tests.lambda_service import ASYNCHRONOUS, LAMBDA, PLATFORM, SYNCHRONOUS, Failed, Refusal
from tests.world import ACCOUNT

pytestmark = pytest.mark.slow

CALL = {"function_name": "my-function", "payload": '{"key": "value"}'}
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:my-function"


def asked(client, path="invoke", **more):
    return ask("POST", f"/api/v1/{path}", CALL | more, token=client)


def raising(error):
    def act(*_):
        raise error

    return act


# --- what is invoked, and with what


def test_a_function_answers_in_the_contracts_form(client):
    LAMBDA.has("my-function", lambda event: {"result": event["key"]}, prod="3")
    answer = asked(client, alias="prod")
    assert answer.status == 200
    assert answer.json == {
        "success": True,
        "status_code": 200,
        "payload": '{"result": "value"}',
        "executed_version": "3",
        "log_result": "START RequestId: 1\nEND RequestId: 1\n",
        "request_id": answer.json["request_id"],
    }


@pytest.mark.parametrize("shape", SHAPES.values(), ids=list(SHAPES))
def test_a_payload_is_taken_as_text_and_as_it_is(client, shape):
    given = {"text": 'ä"\\\n😀', "list": [1, 2.5, None, True]}
    for payload in (given, json.dumps(given)):
        answer = ask(
            "POST", "/api/v1/invoke", CALL | {"payload": payload}, token=client, shape=shape
        )
        assert answer.json["success"], answer.json
    assert [json.loads(payload) for _, _, _, payload in LAMBDA.invoked] == [given, given]


@pytest.mark.parametrize("payload", [0, False, [], {}, "null", "0", '""', [0]], ids=repr)
def test_a_payload_that_is_little_is_one(client, payload):
    assert asked(client, payload=payload).status == 200


@pytest.mark.parametrize(
    ("kind", "code", "ran"), [("RequestResponse", 200, 1), ("Event", 202, 0), ("DryRun", 204, 0)]
)
def test_each_kind_of_invocation_has_lambdas_own_code(client, kind, code, ran):
    seen: list[object] = []
    LAMBDA.has("my-function", seen.append)
    answer = asked(client, invocation_type=kind)
    assert (answer.status, answer.json["success"], answer.json["status_code"]) == (200, True, code)
    assert len(seen) == ran
    assert [invoked[2] for invoked in LAMBDA.invoked] == [kind]


def test_an_asynchronous_invocation_says_its_request_id(client):
    answer = asked(client, "invoke-async")
    assert answer.status == 200
    assert answer.json.keys() == {"success", "status_code", "request_id"}
    assert (answer.json["success"], answer.json["status_code"]) == (True, 202)
    (record,) = ask("GET", "/api/v1/invocations", token=client).json["invocations"]
    assert record["request_id"] == answer.json["request_id"]


def test_an_asynchronous_invocation_that_is_not_taken_has_the_status_0(client):
    answer = asked(client, "invoke-async", function_name="my-other")
    assert (answer.status, answer.json["success"], answer.json["status_code"]) == (404, False, 0)
    assert answer.json["error"].startswith("AWS Lambda client error: ")


@pytest.mark.parametrize(
    ("more", "qualifier"),
    [
        ({}, "$LATEST"),
        ({"alias": "prod"}, "prod"),
        ({"version": "2"}, "2"),
        ({"version": "$LATEST"}, "$LATEST"),
        ({"alias": "prod", "version": "1"}, "prod"),
        ({"alias": "", "version": ""}, "$LATEST"),
        ({"alias": "", "version": "2"}, "2"),
        ({"function_name": "my-function:prod"}, "prod"),
        ({"function_name": "my-function:prod", "alias": "prod"}, "prod"),
        ({"function_name": ARN}, "$LATEST"),
        ({"function_name": f"{ARN}:2"}, "2"),
        ({"function_name": f"{ACCOUNT}:function:my-function"}, "$LATEST"),
        ({"function_name": f"{ACCOUNT}:function:my-function:prod"}, "prod"),
    ],
    ids=str,
)
def test_a_function_is_named_as_lambda_takes_it_and_an_alias_beats_a_version(
    client, more, qualifier
):
    LAMBDA.has("my-function", lambda event: event, prod="2")
    answer = asked(client, **more)
    assert answer.status == 200, answer.json
    assert [invoked[:2] for invoked in LAMBDA.invoked] == [("my-function", qualifier)]


@pytest.mark.parametrize(
    ("more", "status"),
    [
        ({"function_name": ARN.replace(ACCOUNT, "999999999999")}, 403),
        ({"function_name": "999999999999:function:my-function"}, 403),
        ({"function_name": ARN.replace("us-east-1", "eu-west-1")}, 403),
        ({"function_name": ARN.replace("arn:aws:", "arn:aws-cn:")}, 403),
        ({"function_name": "your-function"}, 403),
        ({"function_name": "My-function"}, 403),
        ({"function_name": "my-function:prod", "alias": "dev"}, 400),
        ({"function_name": "my-function\n"}, 400),
        ({"function_name": "my-function/../x"}, 400),
        ({"function_name": "my-" + "x" * 62}, 400),
        ({"function_name": "x" * 257}, 400),
        ({"function_name": "my-ä"}, 400),
        ({"function_name": "arn:aws:lambda:us-east-1:function:my-function"}, 400),
        ({"function_name": ["my-function"]}, 400),
        ({"function_name": 7}, 400),
        ({"alias": "a b"}, 400),
        ({"alias": "$LATEST"}, 400),
        ({"version": "one"}, 400),
        ({"version": 1}, 400),
        ({"invocation_type": "requestresponse"}, 400),
        ({"invocation_type": 7}, 400),
        ({"invocation_type": ""}, 400),
    ],
    ids=str,
)
def test_what_is_not_in_reach_or_no_name_is_refused(client, more, status):
    answer = asked(client, **more)
    assert answer.status == status, answer.json
    assert (answer.json["success"], answer.json["status_code"]) == (False, status)
    assert LAMBDA.invoked == []


def test_what_the_operator_does_not_allow_no_client_may(invoke):
    LAMBDA.has("your-function", lambda event: event)
    token = let_in(invoke, "all", ["invoke", "read"], ["*"])
    assert asked(token, function_name="your-function").status == 403
    assert asked(own("admin"), function_name="your-function").status == 403
    assert ask("GET", "/api/v1/functions/your-function", token=token).status == 403


# --- the contract's words


@pytest.mark.parametrize("path", ["invoke", "invoke-async"])
@pytest.mark.parametrize(
    "body",
    [
        {},
        {"function_name": "my-function"},
        {"payload": "{}"},
        {"function_name": "my-function", "payload": ""},
        {"function_name": "my-function", "payload": None},
        {"function_name": "", "payload": "{}"},
    ],
    ids=str,
)
def test_what_is_missing_is_said_as_the_contract_says_it(client, path, body):
    answer = ask("POST", f"/api/v1/{path}", body, token=client)
    assert (answer.status, answer.json["error"]) == (400, "Missing function_name or payload")


@pytest.mark.parametrize("given", [None, "", "Basic bXk6c2VjcmV0", "Bearer", "Bearer ", "token"])
def test_without_a_token_the_contract_says_what_is_missing(aws, given):
    headers = {} if given is None else {"authorization": given}
    answer = ask("POST", "/api/v1/invoke", CALL, **headers)
    assert (answer.status, answer.json["error"]) == (
        401,
        "Missing or invalid authorization header",
    )


def test_of_a_bad_token_the_contract_says_that_it_is_invalid(client):
    for token in ("x", own("my_client", "y" * 52), of_client("nobody")):
        answer = asked(token)
        assert answer.status == 401
        assert answer.json["error"].startswith("Invalid token: ")
    assert asked(of_client("my_client", exp=1)).json["error"] == "Token expired"


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b'{"payload": NaN}'])
def test_a_body_that_is_no_json_object_is_told_so(client, body):
    answer = ask("POST", "/api/v1/invoke", body, token=client)
    assert answer.status == 400
    assert (
        answer.json["error"].startswith("The body is not JSON") or "object" in answer.json["error"]
    )


def test_a_field_is_called_as_this_surface_calls_it(client):
    said = asked(client, invocation_type="Never").json["error"]
    assert "invocation_type" in said
    assert "invocationType" not in said


# --- what goes wrong with a function


def test_a_functions_own_failure_is_told_with_its_words_and_its_log(client):
    LAMBDA.has("my-function", raising(Failed("no dice")))
    answer = asked(client)
    assert answer.status == 500
    said = answer.json
    assert (said["success"], said["status_code"], said["error"]) == (False, 500, "no dice")
    assert said["function_error"] == "Unhandled"
    assert said["log_result"].startswith("START")
    assert json.loads(said["payload"])["errorMessage"] == "no dice"
    assert len(LAMBDA.invoked) == 1, "it is not tried again"


@pytest.mark.parametrize("words", ["x" * 100_000, "half a character: \ud800", "", 7, None, ["a"]])
def test_whatever_a_function_says_of_its_failure_is_told_and_logged(client, words):
    def fails(_):
        error = Failed()
        error.args = (words,)
        raise error

    LAMBDA.has("my-function", fails)
    answer = asked(client)
    assert answer.status == 500
    assert 0 < len(answer.json["error"]) <= 4096
    (record,) = ask("GET", "/api/v1/invocations", token=client).json["invocations"]
    # What looks like JSON may hold secrets, and what is none cannot be looked through.
    kept = "(5 characters, not JSON)" if words == ["a"] else answer.json["error"]
    assert record["error_message"] == kept


@pytest.mark.parametrize(
    ("code", "aws_status", "status"),
    [
        ("ResourceNotFoundException", 404, 404),
        ("TooManyRequestsException", 429, 429),
        ("RequestTooLargeException", 413, 413),
        ("AccessDeniedException", 403, 403),
        ("InvalidRequestContentException", 400, 400),
        ("UnsupportedMediaTypeException", 415, 415),
        ("KMSAccessDeniedException", 502, 502),
        ("EC2ThrottledException", 502, 502),
        ("ServiceException", 500, 500),
        ("SomethingNew", 302, 502),
    ],
)
def test_what_aws_refuses_is_told_with_its_code_and_request_id_but_not_its_words(
    client, code, aws_status, status
):
    LAMBDA.has("my-function", raising(Refusal(code, aws_status)))
    answer = asked(client)
    assert (answer.status, answer.json["status_code"]) == (status, status)
    assert answer.json["success"] is False
    said = answer.json["error"]
    assert said.startswith("AWS Lambda client error: ")
    assert code in said
    assert answer.json["request_id"] in said
    assert "arn:" not in answer.body.decode()
    assert "Traceback" not in answer.body.decode()
    assert len(LAMBDA.invoked) == 1, "it is not tried again"


@pytest.mark.parametrize(
    "error",
    [
        ReadTimeoutError(endpoint_url="https://lambda.us-east-1.amazonaws.com"),
        ConnectTimeoutError(endpoint_url="https://lambda.us-east-1.amazonaws.com"),
    ],
    ids=["read", "connect"],
)
def test_a_function_that_takes_too_long_is_not_waited_for(client, error, monkeypatch):
    monkeypatch.setenv("REQUEST_TIMEOUT", "7")
    world.new_process()
    LAMBDA.has("my-function", raising(error))
    answer = asked(client)
    assert answer.status == 504
    assert "7 seconds" in answer.json["error"]
    assert len(LAMBDA.invoked) == 1, "it is not tried again"
    assert asked(client, invocation_type="DryRun").status == 200, "its place is free again"


# --- how much


@pytest.mark.parametrize(
    ("kind", "most"), [("RequestResponse", SYNCHRONOUS), ("Event", ASYNCHRONOUS)]
)
def test_a_payload_may_be_as_large_as_lambda_takes_it(client, kind, most):
    LAMBDA.has("my-function", len)
    fits, too_large = (json.dumps("x" * (most - 2 + more)) for more in (0, 1))
    assert asked(client, payload=fits, invocation_type=kind).status == 200
    refused = asked(client, payload=too_large, invocation_type=kind)
    assert refused.status == 413
    assert f"{most:,} bytes" in refused.json["error"]
    assert len(LAMBDA.invoked) == 1, "Lambda was not asked"


def test_bytes_count_and_not_characters(client):
    payload = json.dumps("ä" * (ASYNCHRONOUS // 2), ensure_ascii=False)
    assert asked(client, "invoke-async", payload=payload).status == 413


def test_an_answer_that_is_larger_than_lambda_lets_functions_answer_is_the_functions_failure(
    client,
):
    LAMBDA.has("my-function", lambda _: "x" * SYNCHRONOUS)
    answer = asked(client)
    assert (answer.status, answer.json["function_error"]) == (500, "Unhandled")
    assert "exceeded maximum allowed payload size" in answer.json["error"]


def test_an_answer_that_does_not_fit_into_the_platforms_own_is_told_so(client):
    """Lambda lets the platform answer 6 MB, too, and within an HTTP answer a quote takes four characters."""
    LAMBDA.has("my-function", lambda _: ['"'] * 400_000)
    answer = asked(client)
    assert (answer.status, answer.json["status_code"]) == (413, 413)
    assert "It is done" in answer.json["error"]
    assert len(LAMBDA.invoked) == 1


# --- what there is to invoke


def many(count):
    for number in range(count):
        LAMBDA.has(f"my-function-{number:03}", lambda event: event)
        LAMBDA.has(f"your-function-{number:03}", lambda event: event)


def test_functions_in_reach_are_listed_page_by_page(client):
    many(60)
    found, query = [], "max_items=25"
    while query:
        page = ask("GET", "/api/v1/functions", token=client, query=query).json
        assert page["success"]
        assert len(page["functions"]) <= 25
        found += [function["function_name"] for function in page["functions"]]
        marker = page["next_marker"]
        query = f"max_items=25&next_marker={marker}" if marker else ""
    assert found == ["my-function", *(f"my-function-{n:03}" for n in range(60))]


def test_without_a_number_fifty_are_listed_at_most(client):
    many(60)
    page = ask("GET", "/api/v1/functions", token=client).json
    assert len(page["functions"]) == 50
    assert page["next_marker"]


@pytest.mark.parametrize("query", ["max_items=0", "max_items=1001", "max_items=x", "max_items=-1"])
def test_a_number_of_functions_that_is_none_is_refused(client, query):
    answer = ask("GET", "/api/v1/functions", token=client, query=query)
    assert (answer.status, answer.json["success"]) == (400, False)


@pytest.mark.parametrize("name", ["my-function", ARN, f"{ACCOUNT}:function:my-function"])
def test_a_functions_configuration_is_what_the_contract_names_and_no_more(client, name):
    answer = ask("GET", f"/api/v1/functions/{name}", token=client)
    assert answer.json == {
        "success": True,
        "config": {
            "function_name": "my-function",
            "function_arn": ARN,
            "runtime": "python3.13",
            "role": f"arn:aws:iam::{ACCOUNT}:role/of-the-function",
            "handler": "index.handler",
            "code_size": 1024,
            "description": "Does my-function",
            "timeout": 3,
            "memory_size": 128,
            "last_modified": "2026-11-26T10:30:00.000+0000",
            "version": "$LATEST",
        },
    }
    (listed,) = ask("GET", "/api/v1/functions", token=client).json["functions"]
    assert listed == answer.json["config"]
    assert "PASSWORD" not in answer.body.decode(), "what a function is told in its environment"


def test_a_function_that_there_is_not_has_no_configuration(client):
    for name in ("my-other", "my-function:7"):
        answer = ask("GET", f"/api/v1/functions/{name}", token=client)
        assert answer.status == 404
        assert answer.json["error"].startswith("Failed to retrieve function configuration")


@pytest.mark.parametrize(
    ("path", "call"),
    [("functions", "ListFunctions"), ("functions/my-function", "GetFunctionConfiguration")],
)
def test_a_question_that_aws_does_not_answer_is_told_to_be_asked_again(
    client, meanwhile, path, call
):
    said: Any = {
        "Error": {"Code": "AccessDeniedException", "Message": f"{ARN} is not for you"},
        "ResponseMetadata": {"RequestId": "the-request", "HTTPStatusCode": 403},
    }
    refused = ClientError(said, call)
    with meanwhile(call, raising(refused)):
        answer = ask("GET", f"/api/v1/{path}", token=client)
    assert answer.status == 502
    assert answer.json["error"].startswith(
        "AWS Lambda client error: AccessDeniedException (request id the-request)"
    )
    assert "arn:" not in answer.body.decode()
    with meanwhile(call, raising(ReadTimeoutError(endpoint_url="https://aws.example"))):
        answer = ask("GET", f"/api/v1/{path}", token=client)
    assert answer.status == 504


def test_by_a_direct_invocation_a_client_or_an_administrator_is_believed(invoke, client):
    asked_for = {"functionName": "my-function", "payload": "{}"}
    assert invoke("invoke-function", clientId="my_client", **asked_for)["success"]
    assert invoke("invoke-function", userId="admin", **asked_for)["success"]
    assert invoke("invoke-function", userId="ada", **asked_for)["errorCode"] == "PERMISSION_DENIED"
    assert invoke("invoke-function", **asked_for)["errorCode"] == "VALIDATION_ERROR"
    gone = invoke("invoke-function", clientId="nobody", **asked_for)
    assert gone["errorCode"] == "RESOURCE_NOT_FOUND"
    halves = invoke("invoke-function", clientId="my_client", **asked_for | {"payload": "\ud800"})
    assert halves["errorCode"] == "VALIDATION_ERROR"
    halves = invoke("invoke-function", clientId="my_client", **asked_for | {"payload": ["\ud800"]})
    assert halves["errorCode"] == "VALIDATION_ERROR"
    halves = invoke("invoke-function", clientId="my_client", payload="1", functionName="\ud800")
    assert halves["errorCode"] == "VALIDATION_ERROR"
    assert [name for name, *_ in LAMBDA.invoked] == ["my-function"] * 2
    assert PLATFORM in LAMBDA.functions
