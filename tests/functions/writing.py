"""Containers that write into a function's log, as the log driver takes it to CloudWatch Logs."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from tests import world

_LOGS = f"/ecs/{world.STACK}"


def now_ms() -> int:
    """Unix milliseconds, as a test's clock says."""
    return int(datetime.now(UTC).timestamp() * 1000)


@dataclass(frozen=True)
class Writer:
    """The containers of a function, or of whatever else logs with such a prefix."""

    prefix: str

    @classmethod
    def of(cls, function: Any) -> Writer:
        """Those of a function as it is shown."""
        return cls(f"fn-{function['id'][-12:]}")

    def __call__(self, *texts: str, ago: int = 0, task: str = "a" * 32) -> None:
        """A task writes lines, all of them `ago` milliseconds ago."""
        logs, stream = world.client("logs"), f"{self.prefix}/main/{task}"
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_stream(logGroupName=_LOGS, logStreamName=stream)
        at = now_ms() - ago
        events = [{"timestamp": at, "message": text} for text in texts]
        logs.put_log_events(logGroupName=_LOGS, logStreamName=stream, logEvents=events)
