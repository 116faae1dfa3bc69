"""From what went wrong to what each surface says of it. The only place that knows codes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from actions.errors import (
    AwsRefused,
    Conflict,
    Forbidden,
    InvalidRequest,
    NotFound,
    PayloadTooLarge,
    PlatformError,
    RateLimited,
    TimedOut,
    Unauthenticated,
)


@dataclass(frozen=True)
class Failure:
    """A kind of failure on every surface (docs/actions.md)."""

    code: str
    http_status: int
    grpc_status: str
    log_level: str = "info"
    passing: bool = False  # whether the same event may succeed later


INVALID = Failure("VALIDATION_ERROR", 400, "INVALID_ARGUMENT")
TOO_LARGE = Failure("VALIDATION_ERROR", 413, "RESOURCE_EXHAUSTED")
UNAUTHENTICATED = Failure("UNAUTHENTICATED", 401, "UNAUTHENTICATED")
FORBIDDEN = Failure("PERMISSION_DENIED", 403, "PERMISSION_DENIED", "warning")
NOT_FOUND = Failure("RESOURCE_NOT_FOUND", 404, "NOT_FOUND")
CONFLICT = Failure("RESOURCE_CONFLICT", 409, "FAILED_PRECONDITION", passing=True)
RATE_LIMITED = Failure("RATE_LIMITED", 429, "RESOURCE_EXHAUSTED", "warning", passing=True)
TIMEOUT = Failure("TIMEOUT_ERROR", 504, "DEADLINE_EXCEEDED", "error", passing=True)
UPSTREAM = Failure("TIMEOUT_ERROR", 502, "UNAVAILABLE", "error", passing=True)
INTERNAL = Failure("INTERNAL_ERROR", 500, "INTERNAL", "error", passing=True)

_KINDS: tuple[tuple[type[Exception], Failure], ...] = (
    (PayloadTooLarge, TOO_LARGE),
    (InvalidRequest, INVALID),
    (Forbidden, FORBIDDEN),
    (NotFound, NOT_FOUND),
    (Conflict, CONFLICT),
    (Unauthenticated, UNAUTHENTICATED),
    (RateLimited, RATE_LIMITED),
    (TimedOut, TIMEOUT),
    (AwsRefused, UPSTREAM),
)


def kind_of(error: Exception) -> Failure:
    """What kind of failure an exception is; whatever is not known is internal."""
    known = next((failure for kind, failure in _KINDS if isinstance(error, kind)), None)
    if known is None and _aws_had_no_time(error):
        return TIMEOUT
    return known or INTERNAL


def _aws_had_no_time(error: Exception) -> bool:
    # Loading AWS's client takes a fifth of a second; an HTTP answer that asks nothing of AWS is spared it.
    from services.aws import had_no_time

    return had_no_time(error)


def answer(error: Exception, request_id: str) -> dict[str, Any]:
    """The contract's error answer. What is not the platform's own says the request id and nothing else."""
    failed: dict[str, Any] = {"success": False, "errorCode": kind_of(error).code}
    if isinstance(error, PlatformError):
        failed["error"] = error.message
        failed["details"] = error.details
    elif kind_of(error) is TIMEOUT:
        failed["error"] = (
            "AWS is too busy or did not answer in time. Try again; nothing is done twice."
        )
    else:
        failed["error"] = (
            f"Something went wrong inside. Tell the operator the request id {request_id}."
        )
    return failed | {"requestId": request_id}


def invalid(error: ValidationError, secret_fields: frozenset[str]) -> InvalidRequest:
    """What pydantic found first, for the reader: the field, its value unless it is secret, and a way out."""
    first = error.errors(include_url=False, include_context=False)[0]
    field = ".".join(str(part) for part in first["loc"]) or "payload"
    if first["type"] == "missing":
        return InvalidRequest(f"{field} is missing.", field=field, suggestion=f"Give {field}.")
    value = first["input"]
    shown = isinstance(value, str | int | float | bool) and field not in secret_fields
    return InvalidRequest(
        f"{field} is not valid.",
        field=field,
        value=(value[:100] if isinstance(value, str) else value) if shown else None,
        suggestion=first["msg"].removeprefix("Value error, "),
    )
