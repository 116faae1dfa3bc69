"""Following a log: function-logs asked again and again, as often as CloudWatch Logs lets an account ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from actions.action import Answer
from actions.errors import Forbidden, NotFound, TimedOut, Unauthenticated
from actions.functions.errors import TooManyFollow
from services.aws import had_no_time
from services.errors import NoSlotFree
from services.platform import Platform

# Seconds between two looks: while lines come, at most while none come (the containers' log driver sends every 5 s),
# and at most while AWS has no time.
_SOON, _QUIET, _BUSY = 1.0, 5.0, 30.0
_SLOWER = 1.5


@contextmanager
def place(platform: Platform, user_id: str) -> Iterator[None]:
    """One of the places of those who follow, as long as this lasts. Raises TooManyFollow."""
    followers = platform.followers
    try:
        with followers.one(user_id):
            yield
    except NoSlotFree:
        raise TooManyFollow(followers.most, followers.share) from None


class Follower:
    """One who follows. `ask` answers function-logs behind a position, for as long as who asks may know it.

    `first` is its answer with `follow`. The next look is due after `pause` seconds, unless it `is_over`.
    """

    def __init__(self, ask: Callable[[Answer], Answer], first: Answer) -> None:
        self.pause = _SOON
        self.is_over = False
        self._ask = ask
        self._position = first["next"]

    def look(self) -> list[Answer]:
        """The lines that have come since the last look; none if AWS has no time, or it is over."""
        try:
            answer = self._ask(self._position)
        except (NotFound, Unauthenticated, Forbidden):
            self.is_over = True  # deleted, or the token has expired
            return []
        except Exception as error:
            if not (isinstance(error, TimedOut) or had_no_time(error)):
                raise
            self.pause = min(self.pause * 2, _BUSY)
            return []
        self._position = answer["next"]
        goes_on = answer["lines"] or "token" in self._position
        self.pause = _SOON if goes_on else min(self.pause * _SLOWER, _QUIET)
        return list(answer["lines"])
