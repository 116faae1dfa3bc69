"""Lambda: functions that others may have invoked, in the account and region of the platform."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from botocore.exceptions import BotoCoreError, ClientError

from services.aws import AWS_TIMEOUTS, Config, client, code_of, patient
from services.errors import FunctionTooSlow, InvocationRefused
from services.settings import Settings

LIVE = "live"  # the alias of the platform's own function (template.yaml, AutoPublishAlias)
# Lambda quotas, Function configuration, deployment, and execution: invocation payload.
SYNCHRONOUS_BYTES, ASYNCHRONOUS_BYTES = 6 * 1024 * 1024, 1024 * 1024
_NAME = re.compile(
    r"(?:(?:arn:(?P<partition>aws[a-z-]*):lambda:(?P<region>[a-z0-9-]+):)?(?P<account>\d{12}):function:)?"
    r"(?P<name>[A-Za-z0-9_-]{1,64})(?::(?P<qualifier>\$LATEST|[A-Za-z0-9_-]{1,128}))?",
    re.ASCII,
)

_log = structlog.get_logger()


class ForeignFunction(Exception):
    """A function of another account or region."""


@dataclass(frozen=True)
class FunctionName:
    """A function, and which version or alias of it is meant, if any is."""

    name: str
    qualifier: str | None


@dataclass(frozen=True)
class Invoked:
    """What Lambda says of an invocation that it took. `error` is Handled or Unhandled if the function failed."""

    status: int
    payload: str
    error: str
    log: str
    version: str
    request_id: str


class LambdaFunctions:
    """Invocations, and what there is to invoke."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def named(self, text: str) -> FunctionName | None:
        """What a name, a partial or a whole ARN means; None if it is none of these. Raises ForeignFunction."""
        found = _NAME.fullmatch(text)
        if found is None:
            return None
        here = (self._settings.account, self._settings.aws_region, self._settings.partition)
        given = (found["account"], found["region"], found["partition"])
        if any(said not in (None, own) for said, own in zip(given, here, strict=True)):
            raise ForeignFunction
        return FunctionName(found["name"], found["qualifier"])

    def invoke(
        self, function: FunctionName, payload: bytes, invocation_type: str, timeout: int
    ) -> Invoked:
        """Invoke a function, once: what may have run is not tried again.

        Raises InvocationRefused, or FunctionTooSlow if no answer came in time.
        """
        request: dict[str, Any] = {
            "FunctionName": function.name,
            "InvocationType": invocation_type,
            "Payload": payload,
        }
        if function.qualifier:
            request["Qualifier"] = function.qualifier
        if invocation_type == "RequestResponse":
            request["LogType"] = "Tail"
        answer = _asked(client("lambda", self._patience(timeout)).invoke, **request)
        return Invoked(
            answer["StatusCode"],
            _asked(answer["Payload"].read).decode("utf-8", "replace")
            if "Payload" in answer
            else "",
            answer.get("FunctionError", ""),
            base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace"),
            answer.get("ExecutedVersion", ""),
            answer["ResponseMetadata"].get("RequestId", ""),
        )

    def listed(self, most: int, marker: str | None) -> tuple[list[dict[str, Any]], str | None]:
        """At most `most` (50) functions behind `marker`, and where to go on. Raises InvocationRefused."""
        after = {"Marker": marker} if marker else {}
        answer = _asked(client("lambda").list_functions, MaxItems=most, **after)
        return answer["Functions"], answer.get("NextMarker")

    def configuration(self, function: FunctionName) -> dict[str, Any]:
        """How a function is configured, as Lambda says it. Raises InvocationRefused."""
        which = {"Qualifier": function.qualifier} if function.qualifier else {}
        found: dict[str, Any] = _asked(
            client("lambda").get_function_configuration, FunctionName=function.name, **which
        )
        return found

    def _patience(self, timeout: int) -> Config:
        return patient(timeout, self._settings.max_concurrent_requests)


def _asked(call: Callable[..., Any], **request: Any) -> Any:
    try:
        return call(**request)
    except AWS_TIMEOUTS as error:
        raise FunctionTooSlow from error
    except ClientError as error:
        _log.warning("AWS Lambda refused", details=error.response.get("Error", {}))
        told = error.response.get("ResponseMetadata", {})
        raise InvocationRefused(
            code_of(error),
            error.response.get("Error", {}).get("Message", ""),
            told.get("HTTPStatusCode", 500),
            told.get("RequestId", ""),
        ) from error
    except BotoCoreError as error:
        raise InvocationRefused(type(error).__name__, "", 502, "") from error
