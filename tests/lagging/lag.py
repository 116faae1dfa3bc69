"""How AWS ails: chosen at random, by seed, and with bounds after which it tells the truth again.

Only the function's own calls are disturbed (`one_invocation`); what a test looks up is true.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, TypeVar

from tests.lagging.past import PAST

T = TypeVar("T")

STALE = "answers are of the past"
GAPS = "single items are left out of answers"
BUSY = "calls are throttled, transactions meet"
NO_ROOM = "RunTask cannot be had just now"
FRESH = "what is freshly made is not yet known everywhere"
LATE = "events come late, twice or never"
AILMENTS = (STALE, GAPS, BUSY, NO_ROOM, FRESH, LATE)

ECS_SECONDS, INDEX_SECONDS = 300, 2  # how old an answer may be
FRESH_SECONDS = 10
IN_A_ROW = 2  # refusals of the same call, before it is carried out
LATEST_SECONDS = 600  # how late an event may come


class Lag:
    """What AWS suffers from at present; nothing until `begin`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.hidden: set[Hashable] = set()  # what no answer shows until a test says so
        self.replies: list[tuple[str, Any]] = []  # the next answers to calls of these names
        self.end()
        self._depth = 0
        self.altered = 0  # answers that did not show what there is, tasks that could not be had
        self.refused = 0  # calls that AWS refused though botocore had tried them again

    def begin(self, seed: int, *ailments: str) -> None:
        """From now on AWS ails so; with the same seed, the same calls are answered in the same way."""
        self.ailments, self._seed = frozenset(ailments), seed

    def end(self) -> None:
        """AWS is well, and nothing of its past matters."""
        self.hidden.clear()
        self.replies.clear()
        self.ailments, self._seed = frozenset[str](), 0
        self._asked: Counter[str] = Counter()
        self._row: Counter[str] = Counter()
        self._unseen: dict[Hashable, float] = {}
        self._fresh: dict[Hashable, tuple[int, float]] = {}

    @contextmanager
    def one_invocation(self) -> Iterator[None]:
        """Around the function's own calls."""
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1

    @property
    def is_on(self) -> bool:
        """Whether the present call may be disturbed."""
        return bool(self.ailments or self.hidden or self.replies) and self._depth > 0

    def reply_to(self, name: str) -> Any:
        """What a test wants a call answered with, if anything."""
        with self._lock:
            found = next((r for r in self.replies if r[0] == name), None)
            if found is None:
                return None
            self.replies.remove(found)
            return found[1]

    @property
    def touched(self) -> int:
        """How often an answer was not what an AWS in good health would have said."""
        return self.altered + self.refused

    def chances(self, name: str) -> Random:
        """The chances of the present call, whichever thread makes it when."""
        with self._lock:
            self._asked[name] += 1
            return Random(f"{self._seed} {name} {self._asked[name]}")  # noqa: S311 - by seed

    def version(
        self,
        chances: Random,
        name: str,
        thing: Hashable,
        present: T,
        seconds: float,
        is_there: Callable[[T], bool] = lambda _: True,
    ) -> T | None:
        """What the answer to `name` shows of a thing: `present`, an earlier state, or None if it is left out.

        Of several lists one has it, `is_there` says by its state whether this one.
        """
        if thing in self.hidden:
            self.altered += 1
            return None
        with self._lock:
            said = self._version(chances, thing, present, seconds)
            is_missed = said is None or not is_there(said)
            is_here = present is not None and is_there(present)
            if is_missed and is_here and not self._may_miss(name, thing, seconds):
                said, is_missed = present, False
            if not is_missed:
                self._unseen.pop((name, thing), None)
            self.altered += said != present
            return said

    def refuses(self, chances: Random, name: str, likely: float) -> bool:
        """Whether the call is refused; never more than a few times in a row."""
        with self._lock:
            self._row[name] = refused = (
                self._row[name] + 1
                if chances.random() < likely and self._row[name] < IN_A_ROW
                else 0
            )
            return bool(refused)

    def is_new(self, chances: Random, thing: Hashable) -> None:
        """A thing was just made: the next few calls that name it may not find it."""
        with self._lock:
            self._fresh[thing] = chances.randint(0, 3), time.time() + FRESH_SECONDS

    def is_unknown(self, thing: Hashable) -> bool:
        """Whether this call does not yet find a thing that was made."""
        with self._lock:
            left, until = self._fresh.get(thing, (0, 0.0))
            self._fresh[thing] = left - 1, until
            return left > 0 and time.time() <= until

    def arrivals(self, now: int) -> list[int]:
        """When an event arrives that is sent now: once if all is well; late, twice or never."""
        if LATE not in self.ailments:
            return [now]
        chances = self.chances("event")
        late = now + chances.randint(30, LATEST_SECONDS)
        return chances.choices([[now], [late], [now, late], []], [4, 3, 2, 2])[0]

    def _version(self, chances: Random, thing: Hashable, present: T, seconds: float) -> T | None:
        earlier: list[Any] = PAST.within(thing, seconds) if STALE in self.ailments else []
        if earlier and chances.random() < 0.4:
            return chances.choice(earlier)
        # An index only lags; ECS's lists and descriptions may leave out what has been there for long.
        leaves_out = GAPS in self.ailments and (
            seconds > INDEX_SECONDS or PAST.within(thing, seconds)
        )
        return None if leaves_out and chances.random() < 0.15 else present

    def _may_miss(self, name: str, thing: Hashable, seconds: float) -> bool:
        since = self._unseen.setdefault((name, thing), time.time())
        return time.time() - since <= seconds


LAG = Lag()
