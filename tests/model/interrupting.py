"""Something happens at a chosen call to AWS: somebody else acts, the call fails, or the process dies.

Like tests/aws_calls.py, this hangs in botocore's own event system. A second invocation that runs within a
call of the first one is what two invocations at once come to, in an order that can be repeated.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import botocore.handlers
from botocore.exceptions import ClientError, ReadTimeoutError

from tests.aws_calls import AFTER, BEFORE, DIES_AFTER, DIES_BEFORE, ProcessDied

REFUSED = "refused"  # AWS will not, as ECS when it has no capacity
# The log of invocations is written by a thread that goes on beside: each invocation waits for it at its end, so one
# that began within that call would wait for itself.
BESIDE = "BatchWriteItem"
_SAYS = {BEFORE: "ServiceUnavailable", REFUSED: "ClientException"}


@dataclass
class Interruption:
    """What happens at the call after `left` others, of those that have the name `only` if it is given."""

    left: int
    mode: str = ""
    act: Callable[[], object] | None = None
    only: str = ""
    happened: bool = False

    def is_about(self, name: str) -> bool:
        """Whether it counts calls of that name."""
        return self.only == name or (not self.only and name != BESIDE)


class Calls:
    """The calls of this process: how many, and which of them is interrupted."""

    def __init__(self) -> None:
        self.count = 0
        self._armed: Interruption | None = None
        self._dead = False

    @contextmanager
    def interrupted(self, interruption: Interruption | None) -> Iterator[None]:
        """Around one invocation. Whatever happens to it ends with it."""
        outer, self._armed = self._armed, interruption
        try:
            yield
        finally:
            self._armed, self._dead = outer, False

    def before(self, context: dict[str, Any], name: str) -> None:
        """Called by botocore before it sends a request."""
        if self._dead:
            raise ProcessDied
        self.count += 1
        armed = self._armed
        if armed is None or not armed.is_about(name):
            return
        armed.left -= 1
        if armed.left < 0:
            armed.happened, self._armed = True, None
            context["mode"] = armed.mode
            self._interrupt(armed, name)

    def _interrupt(self, armed: Interruption, name: str) -> None:
        if armed.act:
            armed.act()
        elif armed.mode == DIES_BEFORE:
            self._die()
        elif armed.mode in _SAYS:
            said: Any = {
                "Error": {"Code": _SAYS[armed.mode], "Message": "injected"},
                "ResponseMetadata": {"HTTPStatusCode": 503 if armed.mode == BEFORE else 400},
            }
            raise ClientError(said, name)

    def after(self, context: dict[str, Any]) -> None:
        """Called by botocore when the answer has come."""
        mode = context.pop("mode", "")
        if mode == DIES_AFTER:
            self._die()
        if mode == AFTER:
            raise ReadTimeoutError(endpoint_url="https://aws.example")

    def _die(self) -> None:
        self._dead = True
        raise ProcessDied


CALLS = Calls()


def _before(model: Any, context: dict[str, Any], **_: Any) -> None:
    CALLS.before(context, model.name)


def _after(context: dict[str, Any], **_: Any) -> None:
    CALLS.after(context)


# Before the handler of tests/aws_calls.py, which answers some calls itself.
botocore.handlers.BUILTIN_HANDLERS.insert(0, ("before-call", _before))
botocore.handlers.BUILTIN_HANDLERS.insert(0, ("after-call", _after))
