"""Lambda Action: functions are invoked, listed and described for clients, under /api/v1/ (docs/invocations.md)."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic.alias_generators import to_camel, to_snake
from starlette.requests import Request

from actions.action import CLIENT_ID, Answer
from actions.errors import (
    AnswerTooLarge,
    InvalidRequest,
    NoToken,
    NotTheClient,
    TokenHasExpired,
    Unauthenticated,
)
from handler import failures
from handler.dispatch import Caller
from handler.http import openapi
from handler.http.dispatching import dispatch_action
from handler.http.request import Json, json_object
from handler.http.security import UserOrClient
from handler.http.surface import Surface

router = APIRouter(prefix="/api/v1")
tokens = APIRouter(prefix="/api/v1")
_TOKEN_BODY_BYTES = 10_000
_BODY_BYTES = (
    13_000_000  # a payload of 6 MB as a JSON string, in which quotes are written with a backslash
)
# The contract has only the first of the two; over gRPC these are a call's details.
MISSING, NO_INVOCATIONS = "Missing function_name or payload", "Missing invocations list"
_ANSWER_CHARACTERS = 6_200_000  # Lambda quotas: 6,291,556, of which status and headers take some


def _owns(path: str, method: str) -> bool:
    return path.startswith("/api/v1/")


def _words(error: Exception, status: int, request_id: str) -> dict[str, Any]:
    """The contract's `error`, in its own words where it has any, in the form of an invocation that failed."""
    return {
        "success": False,
        "error": said(error, request_id),
        "status_code": status,
        "request_id": request_id,
    }


def said(error: Exception, request_id: str) -> str:
    """What was wrong, in one text; over gRPC it is a call's details."""
    return _documented(error) or _in_snake_case(failures.answer(error, request_id))


def _documented(error: Exception) -> str | None:
    """The contract's own text (Error Handling, Common Errors)."""
    if isinstance(error, NoToken):
        return "Missing or invalid authorization header"
    if isinstance(error, TokenHasExpired):
        return "Token expired"
    if isinstance(error, Unauthenticated) and not isinstance(error, NotTheClient):
        return f"Invalid token: {error.message}"
    return None


def _in_snake_case(said: dict[str, Any]) -> str:
    """What was wrong and what to do, with the field as this surface writes it."""
    details = said.get("details", {})
    text = " ".join(filter(None, (said["error"], details.get("suggestion"))))
    field = details.get("field")
    return text.replace(field, to_snake(field)) if field else text


def _is_token(path: str, method: str) -> bool:
    return path == "/api/v1/token"


SURFACE = Surface(router, _owns, _words, _BODY_BYTES)
# Who asks for a token is nobody yet, and has no more to say than an id and a secret.
TOKENS = Surface(tokens, _is_token, _words, _TOKEN_BODY_BYTES)
Body = Annotated[
    dict[str, Any], json_object("a JSON object with the fields of docs/invocations.md")
]
_TEXT, _NUMBER = {"type": "string"}, {"type": "integer"}
_NAME = {
    "type": "string",
    "description": "Name or ARN of a function",
    "minLength": 1,
    "maxLength": 256,
    "examples": ["my-function"],
}
_PAYLOAD = {
    "type": ["string", "object", "array", "number", "boolean"],
    "description": "JSON as text, or as it is",
    "minLength": 1,
    "examples": ['{"key": "value"}'],
}
_INVOCATION: dict[str, Any] = {
    "type": "object",
    "required": ["function_name", "payload"],
    "properties": {
        "function_name": _NAME,
        "payload": _PAYLOAD,
        "invocation_type": openapi.or_null({"enum": ["RequestResponse", "Event", "DryRun"]}),
        "alias": openapi.or_null({"type": "string", "pattern": "^[A-Za-z0-9_-]{0,128}$"}),
        "version": openapi.or_null({"type": "string", "pattern": r"^(\$LATEST|[0-9]{0,20})$"}),
    },
}
# Within a batch an empty text is a payload, too.
_IN_A_BATCH = _INVOCATION | {
    "properties": _INVOCATION["properties"]
    | {"payload": {name: value for name, value in _PAYLOAD.items() if name != "minLength"}}
}
_ERROR: dict[str, Any] = {
    "type": "object",
    "required": ["success", "error", "status_code"],
    "properties": {
        "success": {"const": False},
        "error": _TEXT,
        "status_code": _NUMBER,
        "request_id": _TEXT,
    },
}
_OUTCOME: dict[str, Any] = {
    "type": "object",
    "required": ["success", "status_code"],
    "properties": {
        "success": {"type": "boolean"},
        "status_code": _NUMBER,
        "payload": {"type": ["string", "null"]},
        "executed_version": {"type": ["string", "null"]},
        "log_result": {"type": ["string", "null"]},
        "function_error": {"type": ["string", "null"]},
        "error": {"type": ["string", "null"]},
        "request_id": {"type": ["string", "null"]},
    },
}
_FUNCTION: dict[str, Any] = {
    "type": "object",
    "required": ["function_name", "function_arn", "timeout", "memory_size"],
    "additionalProperties": {"type": ["string", "integer"]},
}
_REFUSALS = (400, 401, 403, 404, 408, 409, 413, 415, 429, 500, 502, 504)
_A_CALL = {"function_name": "my-function", "payload": '{"key": "value"}'}
_AN_ANSWER = {
    "success": True,
    "status_code": 200,
    "payload": '{"result": "success"}',
    "executed_version": "$LATEST",
    "log_result": "START RequestId: …",
    "request_id": "0f1b2c3d-4e5f-4071-8293-a4b5c6d7e8f9",
}


def described(
    answer: dict[str, Any], example: Any, body: dict[str, Any] | None = None
) -> dict[str, Any]:
    """What a route of this surface says of itself; all its errors are of one form."""
    return openapi.described(answer, example, *_REFUSALS, body=body, error=_ERROR)


def _asks(schema: dict[str, Any], example: Any) -> dict[str, Any]:
    return {"application/json": {"schema": schema, "example": example}}


@tokens.post(
    "/token",
    openapi_extra=described(
        {
            "type": "object",
            "required": ["token", "expires_in"],
            "properties": {"token": _TEXT, "expires_in": _NUMBER},
        },
        {"token": "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9…", "expires_in": 3600},
        body=_asks(
            {
                "type": "object",
                "required": ["client_id", "client_secret"],
                "properties": {
                    "client_id": {"type": "string", "pattern": CLIENT_ID, "maxLength": 64},
                    "client_secret": {"type": "string", "minLength": 1, "maxLength": 256},
                },
            },
            {"client_id": "my_client", "client_secret": "my_secret"},
        ),
    ),
)
def token(request: Request, body: Body) -> Json:
    """A token for an hour, for a client's id and secret."""
    asked = given(body, "Missing client_id or client_secret", "client_id", "client_secret")
    answer = dispatch_action(request, "client-token", asked, Caller())
    return Json({"token": answer["token"], "expires_in": answer["expiresIn"]})


@router.post(
    "/invoke",
    openapi_extra=described(_OUTCOME, _AN_ANSWER, body=_asks(_INVOCATION, _A_CALL)),
)
def invoke(request: Request, caller: UserOrClient, body: Body) -> Json:
    """Invoke a function and wait for what it answers."""
    asked = given(body, MISSING, "function_name", "payload")
    return _outcome(request, dispatch_action(request, "invoke-function", asked, caller))


@router.post(
    "/invoke-async",
    openapi_extra=described(
        _OUTCOME,
        {"success": True, "status_code": 202, "request_id": _AN_ANSWER["request_id"]},
        body=_asks(_INVOCATION, _A_CALL),
    ),
)
def invoke_async(request: Request, caller: UserOrClient, body: Body) -> Json:
    """Have a function run some time soon."""
    asked = given(body, MISSING, "function_name", "payload")
    answer = dispatch_action(request, "invoke-async", asked, caller)
    if answer["success"]:
        return _outcome(request, answer)
    # As the contract has it: nothing was taken, so there is no status of an invocation.
    return Json(_shown(answer) | {"status_code": 0}, status_code=answer["statusCode"])


@router.post(
    "/batch",
    openapi_extra=described(
        {
            "type": "object",
            "required": ["results"],
            "properties": {"results": {"type": "array", "items": _OUTCOME}},
        },
        {"results": [_AN_ANSWER | {"error": None}]},
        body=_asks(
            {
                "type": "object",
                "required": ["invocations"],
                "properties": {
                    "invocations": {
                        "type": "array",
                        "items": _IN_A_BATCH,
                        "minItems": 1,
                        "maxItems": 100,
                    }
                },
            },
            {"invocations": [_A_CALL]},
        ),
    ),
)
def batch(request: Request, caller: UserOrClient, body: Body) -> Json:
    """Invoke up to a hundred functions side by side; the results are in their order."""
    asked = given(body, NO_INVOCATIONS, "invocations")
    if isinstance(asked["invocations"], list):
        asked["invocations"] = [
            in_camel_case(each) if isinstance(each, dict) else each for each in asked["invocations"]
        ]
    results = dispatch_action(request, "batch-invoke", asked, caller)["results"]
    empty = dict.fromkeys(("payload", "error", "executed_version", "log_result"))
    return _carried(request, Json({"results": [empty | _shown(result) for result in results]}))


@router.get(
    "/functions",
    openapi_extra=described(
        {
            "type": "object",
            "required": ["success", "functions", "next_marker"],
            "properties": {
                "success": {"const": True},
                "functions": {"type": "array", "items": _FUNCTION},
                "next_marker": {"type": ["string", "null"]},
            },
        },
        None,
    ),
)
def functions(
    request: Request,
    caller: UserOrClient,
    max_items: Annotated[int, Query(ge=1, le=1000)] = 50,
    next_marker: Annotated[str, Query(max_length=2048)] = "",
) -> Json:
    """What there is to invoke."""
    asked = {"maxItems": max_items, "nextMarker": next_marker}
    answer = dispatch_action(request, "list-functions", asked, caller)
    listed = [_shown(function) for function in answer["functions"]]
    return Json({"success": True, "functions": listed, "next_marker": answer["nextMarker"]})


@router.get(
    "/functions/{function_name}",
    openapi_extra=described(
        {
            "type": "object",
            "required": ["success", "config"],
            "properties": {"success": {"const": True}, "config": _FUNCTION},
        },
        None,
    ),
)
def function_config(request: Request, function_name: str, caller: UserOrClient) -> Json:
    """How a function is configured."""
    asked = {"functionName": function_name}
    answer = dispatch_action(request, "get-function-config", asked, caller)
    return Json({"success": True, "config": _shown(answer["config"])})


@router.get(
    "/invocations",
    openapi_extra=described(
        {
            "type": "object",
            "required": ["success", "invocations"],
            "properties": {
                "success": {"const": True},
                "invocations": {"type": "array", "items": {"type": "object"}},
                "next": _TEXT,
            },
        },
        None,
    ),
)
def invocations(
    request: Request,
    caller: UserOrClient,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    next: Annotated[str, Query(max_length=4096)] = "",  # noqa: A002 - as lists call it everywhere
    function_name: Annotated[str, Query(max_length=256)] = "",
    success: Annotated[bool | None, Query()] = None,
    since: Annotated[int | None, Query(ge=0, lt=2**33)] = None,
    until: Annotated[int | None, Query(ge=0, lt=2**33)] = None,
    client_id: Annotated[str, Query(max_length=64)] = "",
) -> Json:
    """The log of invocations, the latest first: a client's own, an administrator's all."""
    asked: dict[str, Any] = {"limit": limit, "success": success, "since": since, "until": until}
    asked |= {"next": next or None, "functionName": function_name or None}
    asked |= {"ofClient": client_id or None}
    return _carried(request, Json(dispatch_action(request, "list-invocations", asked, caller)))


def given(body: dict[str, Any], complaint: str, *needed: str) -> dict[str, Any]:
    """The body as actions take it. Raises InvalidRequest with the contract's words where a field is missing."""
    if not all(body.get(name) not in (None, "") for name in needed):
        raise InvalidRequest(complaint)
    return in_camel_case(body)


def in_camel_case(fields: dict[str, Any]) -> dict[str, Any]:
    """Fields as actions name them; null is as not given."""
    return {to_camel(name): value for name, value in fields.items() if value is not None}


def _shown(answer: Answer) -> dict[str, Any]:
    return {to_snake(name): value for name, value in answer.items()}


def _outcome(request: Request, answer: Answer) -> Json:
    """What came of an invocation; the status is Lambda's own, where it took none."""
    status = 200 if answer["success"] else answer["statusCode"]
    headers = {"retry-after": "1"} if status == HTTPStatus.TOO_MANY_REQUESTS else None
    return _carried(request, Json(_shown(answer), status_code=status, headers=headers))


def _carried(request: Request, answer: Json) -> Json:
    """The answer, if it comes through: Lambda takes 6 MB, in which it is text. Raises AnswerTooLarge."""
    if (
        "aws.event" in request.scope
        and len(json.dumps(str(answer.body, "ascii"))) > _ANSWER_CHARACTERS
    ):
        raise AnswerTooLarge
    return answer
