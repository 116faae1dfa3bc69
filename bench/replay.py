"""The emulator's answers given again: what is then left of the time is the function's own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from services.aws import client

_REPLAYED = "replayed"  # what was asked, in the context of a call


class _Answered:
    """What stands for the HTTP answer of a call that was not made."""

    status_code = 200


@contextmanager
def replayed(service: str) -> Iterator[None]:
    """Within, each call of `service` that was made before gets the answer of then, without the emulator."""
    answers: dict[tuple[str, bytes], Any] = {}

    def before(model: Any, params: Any, context: Any, **_: Any) -> Any:
        context[_REPLAYED] = (model.name, params["body"])
        return (_Answered(), answers[context[_REPLAYED]]) if context[_REPLAYED] in answers else None

    def after(parsed: Any, context: Any, **_: Any) -> None:
        answers[context[_REPLAYED]] = parsed

    events = client(service).meta.events
    events.register_first("before-call", before, "replay-before")
    events.register_last("after-call", after, "replay-after")
    try:
        yield
    finally:
        events.unregister("before-call", unique_id="replay-before")
        events.unregister("after-call", unique_id="replay-after")
