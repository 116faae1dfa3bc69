"""A function as clients see it: what the contract names, and nothing of its environment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from actions.action import Answer
from actions.errors import AwsRefused, TimedOut
from services.errors import FunctionTooSlow, InvocationRefused

_SHOWN = {
    "functionName": ("FunctionName", ""),
    "functionArn": ("FunctionArn", ""),
    "runtime": ("Runtime", ""),  # a function of a container image has neither runtime nor handler
    "role": ("Role", ""),
    "handler": ("Handler", ""),
    "codeSize": ("CodeSize", 0),
    "description": ("Description", ""),
    "timeout": ("Timeout", 0),
    "memorySize": ("MemorySize", 0),
    "lastModified": ("LastModified", ""),
    "version": ("Version", ""),
}


def described(found: dict[str, Any]) -> Answer:
    """The contract's fields of what Lambda says of a function."""
    return {name: found.get(said, empty) for name, (said, empty) in _SHOWN.items()}


@contextmanager
def asking_lambda() -> Iterator[None]:
    """Around a question to Lambda: raises AwsRefused or TimedOut where it is not answered."""
    try:
        yield
    except InvocationRefused as refusal:
        raise AwsRefused(refusal.code, refusal.request_id) from None
    except FunctionTooSlow:
        raise TimedOut("AWS Lambda") from None
