"""One invocation from its request to what came of it, with its place among those under way, and its log."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field

from actions.action import Answer, Request, hinted
from actions.errors import (
    Forbidden,
    FunctionTimedOut,
    InvalidRequest,
    PayloadTooLarge,
    PlatformError,
    TimedOut,
    TooManyAtOnce,
)
from actions.invocations import own
from actions.invocations.reach import NamedFunction, Reach, function_in, is_own
from services import invocations
from services.errors import FunctionTooSlow, InvocationRefused, NoSlotFree
from services.lambda_functions import ASYNCHRONOUS_BYTES, SYNCHRONOUS_BYTES, FunctionName, Invoked
from services.platform import Platform

InvocationType = Literal["RequestResponse", "Event", "DryRun"]
# What Lambda itself would have said, for refusals among the results of a batch and in the log.
_STATUS: dict[type[PlatformError], int] = {
    Forbidden: 403,
    PayloadTooLarge: 413,
    TooManyAtOnce: 429,
    TimedOut: 504,
    InvalidRequest: 400,
}

_Alias = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_-]{0,128}$", max_length=128),
    hinted("Send an alias's name: letters, digits, dashes and underscores."),
]
_Version = Annotated[
    str,
    Field(pattern=r"^(\$LATEST|[0-9]{0,20})$", max_length=20),
    hinted("Send a version's number as a text, or $LATEST."),
]


class Invocation(Request):
    """What is to be invoked, how and with what. An alias counts before a version."""

    function_name: NamedFunction
    payload: Any = Field(description="JSON as text, or as it is")
    invocation_type: InvocationType = "RequestResponse"
    alias: _Alias | None = None
    version: _Version | None = None


def call(platform: Platform, reach: Reach, asked: Invocation, wait_seconds: float = 0) -> Answer:
    """Invoke once what is asked for, and log it; returns what came of it.

    Raises Forbidden, InvalidRequest, PayloadTooLarge, TooManyAtOnce (if no place is free within `wait_seconds`) and
    FunctionTimedOut. What the function, or AWS, says against it is an answer without success.
    """
    payload = _text(asked.payload)
    with _logged(platform, reach, asked, payload) as outcome:
        function = function_in(reach, asked.function_name, platform, asked.alias or asked.version)
        _check_size(payload, asked.invocation_type)
        outcome.update(_invoked(platform, reach, function, payload, asked, wait_seconds))
    return outcome


def refused(error: PlatformError) -> Answer:
    """What a batch says of an invocation that was refused."""
    status = next((s for kind, s in _STATUS.items() if isinstance(error, kind)), 500)
    return {"success": False, "statusCode": status, "error": error.message}


@contextmanager
def _logged(platform: Platform, reach: Reach, asked: Invocation, payload: str) -> Iterator[Answer]:
    """A line in the log before, and another in its place with what came of it, whatever that is."""
    outcome: Answer = {}
    record = platform.invocations.begin(
        reach.who,
        {
            "function_name": asked.function_name,
            "invocation_type": asked.invocation_type,
            "payload": invocations.shown(payload),
            "alias": asked.alias or None,
            "version": asked.version or None,
        },
    )
    try:
        yield outcome
    except PlatformError as error:
        platform.invocations.end(record, _columns(refused(error)))
        raise
    except BaseException:
        platform.invocations.end(record, {"success": False, "error_message": "it broke off"})
        raise
    platform.invocations.end(record, _columns(outcome))


def _columns(outcome: Answer) -> dict[str, Any]:
    return {
        "success": outcome["success"],
        "status_code": outcome["statusCode"],
        "response_payload": invocations.shown(outcome.get("payload")),
        "function_error": outcome.get("functionError"),
        "executed_version": outcome.get("executedVersion"),
        "request_id": outcome.get("requestId"),
        "error_message": invocations.hidden(outcome.get("error")),
    }


def _text(payload: Any) -> str:
    text = payload
    if not isinstance(payload, str):
        text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InvalidRequest("payload names half a character.", field="payload") from None
    return str(text)


def _check_size(payload: str, invocation_type: InvocationType) -> None:
    most = ASYNCHRONOUS_BYTES if invocation_type == "Event" else SYNCHRONOUS_BYTES
    if len(payload.encode()) > most:
        raise PayloadTooLarge(most)


def _invoked(
    platform: Platform,
    reach: Reach,
    function: FunctionName,
    payload: str,
    asked: Invocation,
    wait_seconds: float,
) -> Answer:
    is_platform = is_own(function.name, platform)
    event = own.event(payload, reach, platform) if is_platform else payload
    try:
        with platform.slots.one(wait_seconds):
            found = platform.lambda_functions.invoke(
                function, event.encode(), asked.invocation_type, platform.settings.request_timeout
            )
    except NoSlotFree:
        raise TooManyAtOnce(platform.slots.most) from None
    except FunctionTooSlow:
        raise FunctionTimedOut(platform.settings.request_timeout) from None
    except InvocationRefused as refusal:
        return _as_aws_says(refusal)
    if is_platform:  # its log is the operator's
        found = replace(found, payload=own.answered(found.payload), log="")
    return _as_it_went(found)


def _as_it_went(found: Invoked) -> Answer:
    went: Answer = {
        "success": not found.error,
        "statusCode": 500 if found.error else found.status,
        "payload": found.payload,
        "executedVersion": found.version,
        "logResult": found.log,
        "requestId": found.request_id,
    }
    return went | (
        {"functionError": found.error, "error": _said_by_function(found.payload)}
        if found.error
        else {}
    )


def _said_by_function(payload: str) -> str:
    """The message of a function's own error, which Lambda's runtimes write so."""
    try:
        said = json.loads(payload).get("errorMessage")
    except (ValueError, AttributeError, RecursionError):
        said = None
    text = said if isinstance(said, str) else json.dumps(said)
    return invocations.cut(text) if said else "The function failed."


_NOT_TAKEN = "AWS did not take the invocation."
_NEVER_SENT = ("EndpointConnectionError",)
_PLAINLY = {
    "ResourceNotFoundException": (404, "There is no such function, version or alias."),
    "TooManyRequestsException": (
        429,
        "The function, or the account, is invoked too often just now.",
    ),
    "RequestTooLargeException": (413, "The payload, or the answer, is too large."),
    "AccessDeniedException": (403, "The platform may not invoke this function."),
    "InvalidRequestContentException": (400, "The payload is not JSON."),
}


def _as_aws_says(refusal: InvocationRefused) -> Answer:
    """A refusal in plain words, with AWS's code and request id: AWS's own words may name accounts and roles."""
    status = refusal.status if 400 <= refusal.status < 600 else 502
    status, words = _PLAINLY.get(refusal.code, (status, _NOT_TAKEN))
    if words == _NOT_TAKEN and status >= 500 and refusal.code not in _NEVER_SENT:
        words = "AWS failed; the function may have run, or run still."
    return {
        "success": False,
        "statusCode": status,
        "error": f"AWS Lambda client error: {words} ({refusal.code}, request id {refusal.request_id or 'unknown'})",
        "requestId": refusal.request_id,
    }
