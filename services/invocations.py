"""The log of invocations: written beside the invocations, so that it neither delays one nor fails it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from services import clock, ids, metrics, secrecy
from services.aws import client
from services.dynamodb import Condition, Item, Key, Position, Table
from services.settings import Settings
from services.values import serialize

DAY = 86400
_LINGER_SECONDS = (
    0.05  # what comes within it is written together, and what also ends within it once
)
_BATCH = 25  # DynamoDB, BatchWriteItem
_MOST_WAITING = 2000  # records of at most some 12 KB
_KEPT_CHARACTERS = 4096
_LONGEST_LOOKED_THROUGH = 65_536
_HIDDEN = "***"


class Invocations:
    """Noting what is invoked, and reading what was.

    A record has the columns of docs/invocations.md. Its `id` begins with the moment, for a client's are in order.
    """

    def __init__(self, settings: Settings) -> None:
        self._table = Table(settings.tables["lambda_invocations"], "client_id", "id")
        self._keep_seconds = settings.invocation_days * DAY
        self._waiting: dict[tuple[str, str], Item] = {}
        self._writing = 0
        self._hurried = False
        self._changed = threading.Condition()
        self._writer: threading.Thread | None = None

    def begin(self, client_id: str, values: Mapping[str, Any]) -> Item:
        """Note that something is about to be invoked; returns the record, for `end`."""
        now = clock.milliseconds()
        record = {
            "client_id": client_id,
            "id": f"{now:014}:{ids.new_id()}",
            "day": _day(now // 1000),
            "invoked_at": now // 1000,
            "expiresAt": now // 1000 + self._keep_seconds,
            **values,
        }
        self._note(record)
        return record

    def end(self, record: Item, values: Mapping[str, Any]) -> None:
        """Note what came of it."""
        self._note({**record, **values, "completed_at": clock.now()})

    def settle(self, seconds: float) -> None:
        """Wait until all that was noted is written, but no longer than `seconds`."""
        with self._changed:
            self._hurried = True
            self._changed.notify_all()
            self._changed.wait_for(self._is_settled, seconds)
            self._hurried = False

    def _is_settled(self) -> bool:
        is_written = not self._waiting and not self._writing
        return is_written or self._writer is None or not self._writer.is_alive()

    def page(
        self, limit: int, after: Position | None, *, of: tuple[str, str], where: Condition | None
    ) -> tuple[list[Item], Position | None]:
        """At most `limit` records of a client (`client_id`) or of a day (`day`), the latest first."""
        index = "DayIndex" if of[0] == "day" else None
        return self._table.page(limit, after, index=index, of=of, where=where, descending=True)

    def _note(self, record: Item) -> None:
        key = record["client_id"], record["id"]
        with self._changed:
            if len(self._waiting) >= _MOST_WAITING and key not in self._waiting:
                metrics.unlogged(1, "too many are waiting to be written")
                return
            self._waiting[key] = record
            if self._writer is None or not self._writer.is_alive():  # as in a copy of the process
                self._writer = threading.Thread(target=self._write, name="invocations", daemon=True)
                self._writer.start()
            if len(self._waiting) in (1, _BATCH):  # the writer waits for nothing between
                self._changed.notify_all()

    def _write(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                self._changed.wait_for(self._is_urgent, _LINGER_SECONDS)
                taken = [self._waiting.pop(key) for key in list(self._waiting)[:_BATCH]]
                self._writing = len(taken)
            try:
                self._put(taken)
            except (
                Exception
            ) as error:  # whatever it is, the invocations go on; the log says what it lacks
                metrics.unlogged(len(taken), type(error).__name__, error)
            finally:
                with self._changed:
                    self._writing = 0
                    self._changed.notify_all()

    def _is_urgent(self) -> bool:
        return self._hurried or len(self._waiting) >= _BATCH

    def _put(self, records: Sequence[Item]) -> None:
        puts = [
            {"PutRequest": {"Item": {n: serialize(v) for n, v in record.items() if v is not None}}}
            for record in records
        ]
        for attempt in range(3):
            answer = client("dynamodb").batch_write_item(RequestItems={self._table.name: puts})
            puts = answer.get("UnprocessedItems", {}).get(self._table.name, [])
            if not puts:
                return
            time.sleep(ids.jitter(0.1 * 2**attempt))
        metrics.unlogged(len(puts), "DynamoDB did not take them")


def _day(moment: int) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%d")


def days(since: int, until: int) -> list[str]:
    """The days from `until` back to `since`, as records name theirs."""
    return [_day(moment) for moment in range(until - until % DAY, since - since % DAY - 1, -DAY)]


def between(since: int, until: int) -> Condition:
    """The condition that a record is of a moment from `since` to `until`, both included."""
    return Key("id").between(*_bounds(since, until))


def is_between(record_id: str, since: int, until: int) -> bool:
    """Whether a record of that id is: DynamoDB goes on from no position that is not."""
    first, last = _bounds(since, until)
    return first <= record_id <= last


def _bounds(since: int, until: int) -> tuple[str, str]:
    return f"{since * 1000:014}", f"{until * 1000 + 999:014};"


def shown(text: str | None) -> str | None:
    """What is kept of a payload: secrets hidden by their keys, and no more than 4 KB.

    What is no JSON has no keys, and what is very long is not looked through: of those only the length is kept.
    """
    if not text:
        return text
    if len(text) > _LONGEST_LOOKED_THROUGH:
        return f"({len(text):,} characters)"
    try:
        plain = json.dumps(_without_secrets(json.loads(text)), ensure_ascii=False)
    except (ValueError, RecursionError):
        return f"({len(text):,} characters, not JSON)"
    return cut(plain)


def cut(text: str) -> str:
    """At most 4 KB of a text, without the half characters that JSON may name and no table takes."""
    return text[:_KEPT_CHARACTERS].encode("utf-8", "replace").decode()


def hidden(text: str | None) -> str | None:
    """What is kept of words: if they are JSON, as of a payload."""
    return shown(text) if text and text.lstrip()[:1] in ("{", "[") else text


def _without_secrets(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            name: _HIDDEN if secrecy.NAMES.search(name) else _without_secrets(v)
            for name, v in value.items()
        }
    if isinstance(value, list):
        return [_without_secrets(v) for v in value]
    if isinstance(value, str) and value.lstrip()[:1] in ("{", "[", '"'):
        return shown(value)  # JSON within JSON, as the body of an HTTP event
    return value
