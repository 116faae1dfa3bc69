"""What AWS services refuse, in the platform's terms. Everything else is AWS's own exception."""

from __future__ import annotations

from enum import Enum
from typing import Any


class TaskRefused(Exception):
    """ECS will not run the task. Nothing was started."""

    class Cause(Enum):
        """Why not."""

        CAPACITY = "AWS has no machine free just now."
        QUOTA = "This AWS account runs as many servers as it may."
        NO_LICENSE = "Its licence was taken out of the pool."
        OTHER = "AWS refused to start it."

        @property
        def is_passing(self) -> bool:
            """Whether asking again may succeed."""
            return self.name in ("CAPACITY", "QUOTA")

    def __init__(self, cause: Cause) -> None:
        super().__init__(cause.value)
        self.cause = cause


class EcsBusy(Exception):
    """ECS takes no request for a task just now. Nothing was started; asking again may succeed."""


class ConditionFailed(Exception):
    """A conditional write was refused. `failed` holds the positions of the operations that refused,
    `found` the item that stood in the way of a single write (empty where there was none)."""

    def __init__(self, failed: frozenset[int], found: dict[str, Any] | None = None) -> None:
        super().__init__(f"condition failed at {sorted(failed)}")
        self.failed = failed
        self.found = found or {}


class LockExpired(Exception):
    """What was being done took longer than its lock lasts: somebody else may have it by now."""


class Unfinished(Exception):
    """There is more to do than fits into one go; doing it again goes on where it ended."""


class NameTaken(Exception):
    """The zone has a record of that name that is none of the platform's."""


class LoadBalancerFull(Exception):
    """No further target group or rule fits on the load balancer (100 each; docs/sources.md, AWS)."""


class TokenRefused(Exception):
    """A bearer token proves nothing; `reason` says why without repeating any of it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class KeysUnreachable(Exception):
    """The keys that tokens are checked with could not be had in time. The token may well be good."""


class TokenExpired(TokenRefused):
    """The token was good once."""

    def __init__(self) -> None:
        super().__init__("The token has expired.")


class NoSlotFree(Exception):
    """As much is under way as may be at once."""


class PositionLost(Exception):
    """CloudWatch Logs reads on from there no more: it is a day ago that it said so, or it never did."""


class FunctionTooSlow(Exception):
    """A function did not answer in time. It may have run, or run still."""


class InvocationRefused(Exception):
    """Lambda did not take an invocation or a question: AWS's code and message, its HTTP status and request id."""

    def __init__(self, code: str, message: str, status: int, request_id: str) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.status = status
        self.request_id = request_id


class ModelBusy(Exception):
    """The model takes no more requests just now."""


class ModelRefused(Exception):
    """The model cannot take this conversation, whoever sends it and whenever."""


class ModelTooSlow(Exception):
    """The model did not answer in time."""
