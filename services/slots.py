"""How much may be under way at once in this process."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Condition, Lock

from services.errors import NoSlotFree


class Slots:
    """So many places; who finds none is refused instead of waiting for long."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._taken = 0
        self._changed = Condition()

    @property
    def are_taken(self) -> bool:
        """Whether there is no place just now."""
        return self._taken >= self.most

    @contextmanager
    def one(self, wait_seconds: float) -> Iterator[None]:
        """Have a place as long as this lasts. Raises NoSlotFree, if none becomes free within `wait_seconds`."""
        with self._changed:
            if not self._changed.wait_for(lambda: not self.are_taken, wait_seconds):
                raise NoSlotFree
            self._taken += 1
        try:
            yield
        finally:
            with self._changed:
                self._taken -= 1
                self._changed.notify()


class Shares:
    """So many places, of which nobody has more than a share."""

    def __init__(self, most: int, share: int) -> None:
        self.most = most
        self.share = share
        self._taken: Counter[str] = Counter()
        self._changing = Lock()

    @property
    def taken(self) -> int:
        """How many places are taken just now."""
        return self._taken.total()

    @contextmanager
    def one(self, who: str) -> Iterator[None]:
        """Have a place as long as this lasts. Raises NoSlotFree if there is none for `who` just now."""
        with self._changing:
            if self.taken >= self.most or self._taken[who] >= self.share:
                raise NoSlotFree
            self._taken[who] += 1
        try:
            yield
        finally:
            with self._changing:
                self._taken -= Counter([who])  # which forgets who has none any more
