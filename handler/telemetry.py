"""Logs, metrics and traces of one event.

Every line is the contract's JSON (CloudWatch Logs, Log Format). The last line of an event also carries
the contract's metrics in CloudWatch's embedded metric format.
"""

from __future__ import annotations

import logging
import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from structlog.contextvars import bind_contextvars, clear_contextvars
from structlog.typing import EventDict

from actions import ACTIONS
from handler.failures import Failure
from services import metrics, tracing

_log = structlog.get_logger()


def configure(level: str, *, tracing_on: bool) -> None:
    """Set up logging at `level` and, if wanted, tracing. Once per process."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="%Y-%m-%dT%H:%M:%S.%f", utc=True),
            structlog.processors.format_exc_info,
            _contract_form,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=_to_stdout,
        cache_logger_on_first_use=False,
    )
    if tracing_on:
        tracing.enable()


class EventLog:
    """What is known of the event so far."""

    def __init__(self) -> None:
        self.action = "none"
        self.user_id: str | None = None
        self._began = time.perf_counter()

    def name_action(self, action: str, user_id: object) -> None:
        """The event asks for `action` on behalf of `user_id`; both may be anything that somebody sent."""
        self.action = action if action in ACTIONS else "unknown"
        bind_contextvars(action=self.action)
        self.name_user(user_id)

    def name_user(self, user_id: object) -> None:
        """The event is of `user_id`."""
        self.user_id = user_id[:64] if isinstance(user_id, str) else None
        bind_contextvars(userId=self.user_id)

    @property
    def seconds(self) -> float:
        """How long it has taken so far."""
        return time.perf_counter() - self._began

    def succeeded(self, details: dict[str, Any] | None = None) -> None:
        """The event was answered."""
        self._report("info", "answered", "success", details=details)

    def failed(
        self, error: Exception, failure: Failure, details: dict[str, Any] | None = None
    ) -> None:
        """The event was refused or went wrong; the stack trace is logged for what went wrong inside."""
        details = {**(details or {}), "errorCode": failure.code, "error": type(error).__name__}
        exc_info = error if failure.log_level == "error" else None
        self._report(failure.log_level, "failed", failure.code, details=details, exc_info=exc_info)

    def _report(self, level: str, message: str, outcome: str, **more: Any) -> None:
        units = {
            "InstanceOperations": "Count",
            "ErrorRates": "Count",
            "Performance": "Milliseconds",
        }
        getattr(_log, level)(
            message,
            action=self.action,  # said here too: what a thread bound is not seen outside it
            userId=self.user_id,
            outcome=outcome,
            InstanceOperations=1,
            ErrorRates=0 if outcome == "success" else 1,
            Performance=round(self.seconds * 1000, 1),
            memoryMegabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            **metrics.embedded(("action", "outcome"), units),
            **more,
        )


@contextmanager
def event(request_id: str) -> Iterator[EventLog]:
    """Log one event: its request id is in every line that is logged inside."""
    clear_contextvars()
    bind_contextvars(requestId=request_id, action="none", userId=None)
    yield EventLog()


def _contract_form(_: Any, __: str, line: EventDict) -> EventDict:
    exception = line.pop("exception", None)
    details = dict(line.pop("details", None) or {})
    if exception:
        details["exception"] = exception
    first = {
        "timestamp": line.pop("timestamp")[:23] + "Z",
        "level": line.pop("level").upper(),
        "requestId": line.pop("requestId", None),
        "action": line.pop("action", None),
        "userId": line.pop("userId", None),
        "message": line.pop("event"),
        "details": details,
    }
    return {**first, **line}


def _to_stdout(*_: Any) -> structlog.PrintLogger:
    """A logger on what stdout is now, which a test runner may have replaced."""
    return structlog.PrintLogger(sys.stdout)
