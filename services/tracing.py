"""X-Ray, loaded only where tracing is on."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

T = TypeVar("T")
_recorder: Any = None


def enable() -> None:
    """Trace every AWS call from now on as a subsegment of the action that makes it."""
    global _recorder  # noqa: PLW0603 - a process traces or does not
    from aws_xray_sdk.core import patch, xray_recorder

    patch(("botocore",))
    _recorder = xray_recorder


@contextmanager
def segment(name: str) -> Iterator[None]:
    """A subsegment called `name` around what happens inside; nothing where tracing is off."""
    if _recorder is None:
        yield
        return
    with _recorder.in_subsegment(name):
        yield


def carried(call: Callable[[], T]) -> Callable[[], T]:
    """`call` for another thread, traced under the present segment: X-Ray keeps it per thread."""
    if _recorder is None:
        return call
    entity = _recorder.get_trace_entity()

    def with_segment() -> T:
        _recorder.set_trace_entity(entity)
        return call()

    return with_segment
