"""All tables at once: whether they can be used."""

from __future__ import annotations

from functools import partial
from threading import Lock

from services import clock
from services.aws import SHORT_TIMEOUT, client
from services.concurrency import outcomes_of
from services.settings import Settings

_REMEMBERED_SECONDS = 5  # anybody may ask, as often as they like


class Tables:
    """The tables of the settings, whatever they hold."""

    def __init__(self, settings: Settings) -> None:
        self._names = settings.tables
        self._asking = Lock()
        self._known: tuple[dict[str, str | BaseException], int] = ({}, -_REMEMBERED_SECONDS)

    def statuses(self) -> dict[str, str | BaseException]:
        """What DynamoDB says of each table, by what it holds: ACTIVE where all is well; else what went wrong.

        One try for each, side by side, at most 3 s; remembered for 5 s. Whoever asks meanwhile waits for the same.
        """
        with self._asking:
            if not 0 <= clock.now() - self._known[1] < _REMEMBERED_SECONDS:
                found = outcomes_of([partial(_status, table) for table in self._names.values()])
                self._known = dict(zip(self._names, found, strict=True)), clock.now()
            return self._known[0]


def _status(table: str) -> str:
    described = client("dynamodb", SHORT_TIMEOUT).describe_table(TableName=table)
    return str(described["Table"]["TableStatus"])
