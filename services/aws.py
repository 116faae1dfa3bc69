"""Clients for AWS, each made once per process and only when first needed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import lru_cache
from threading import Lock
from typing import Any

import botocore.session
from botocore.config import Config as Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    ReadTimeoutError,
)

from services import clock
from services.errors import LockExpired

# One call may take at most about 3 x (3 + 10) s, so that a chain of them ends well within the function's 300 s.
LONGEST_CALL_SECONDS = 40
DEFAULT = Config(
    connect_timeout=3,
    read_timeout=10,
    max_pool_connections=32,
    retries={"mode": "standard", "total_max_attempts": 3},
)
# Health checks are bounded by 3 s (contract, System Health Check): one try, no second.
SHORT_TIMEOUT = Config(connect_timeout=1, read_timeout=2, retries={"total_max_attempts": 1})

# Newer buckets take no older kind of signature in an address.
SIGNED = DEFAULT.merge(Config(signature_version="s3v4"))
# A model thinks for long, and API Gateway waits 29 s for the whole answer: one try within that.
LONG_ANSWER = Config(connect_timeout=2, read_timeout=24, retries={"total_max_attempts": 1})

# What any call to AWS may raise, and what means that no answer came in time.
AWS_FAILURES = (ClientError, BotoCoreError)
AWS_TIMEOUTS = (ConnectTimeoutError, ReadTimeoutError)

_making = Lock()

# Until when, in Unix seconds, calls may be made on behalf of what is being done; none once somebody else may do it.
_deadline: ContextVar[int | None] = ContextVar("deadline", default=None)


@contextmanager
def until(moment: int) -> Iterator[None]:
    """Let no call to AWS inside begin after `moment`: it raises LockExpired instead."""
    token = _deadline.set(moment)
    try:
        yield
    finally:
        _deadline.reset(token)


def _refuse_when_late(model: Any, **_: Any) -> None:
    """Called by botocore before it sends a request."""
    moment = _deadline.get()
    if moment is not None and clock.now() > moment:
        raise LockExpired(f"too late for {model.name}")


@lru_cache(maxsize=1)
def _session() -> botocore.session.Session:
    # What boto3.client does too, without all else that boto3 loads (services/conditions.py says what that costs).
    return botocore.session.get_session()


@lru_cache(maxsize=64)
def _made(service: str, config: Config) -> Any:
    made = _session().create_client(service, config=config)
    made.meta.events.register_first("before-call.*.*", _refuse_when_late)
    return made


@lru_cache(maxsize=8)
def patient(seconds: int, connections: int) -> Config:
    """For what runs as long as others let it: one try, whose answer has to come within so many seconds."""
    return Config(
        connect_timeout=3,
        read_timeout=seconds,
        max_pool_connections=connections,
        retries={"total_max_attempts": 1},
        user_agent="foundry-platform",  # botocore puts its own together anew for each call, a seventh of its work
    )


def client(service: str, config: Config = DEFAULT) -> Any:
    """The process's client for `service`. Making one is not thread-safe in botocore, using one is."""
    with _making:
        return _made(service, config)


# What AWS answers while it is too busy, or meets other writes; botocore has by then tried again, where it does.
BUSY_CODES = frozenset(
    {
        *("Throttling", "ThrottlingException", "ThrottledException", "TooManyRequestsException"),
        *("RequestLimitExceeded", "RequestThrottled", "RequestThrottledException"),
        *("SlowDown", "BandwidthLimitExceeded", "PriorRequestNotComplete"),
        *("ProvisionedThroughputExceeded", "ProvisionedThroughputExceededException"),
        *("TransactionConflict", "TransactionConflictException", "TransactionInProgressException"),
        "ThrottlingError",
    }
)


def is_busy(error: ClientError) -> bool:
    """Whether AWS had no time for the call, which changed nothing and may succeed later."""
    reasons = {str(r.get("Code")) for r in error.response.get("CancellationReasons", ())}
    return not BUSY_CODES.isdisjoint({code_of(error), *reasons})


def had_no_time(error: Exception) -> bool:
    """Whether AWS was busy, failed inside or did not answer in time; it may have done what was asked."""
    if not isinstance(error, ClientError):
        return isinstance(error, AWS_TIMEOUTS)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return status >= 500 or is_busy(error)


def code_of(error: ClientError) -> str:
    """AWS's own name for what went wrong."""
    return str(error.response.get("Error", {}).get("Code", ""))
