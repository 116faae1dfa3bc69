"""What is left of destroyed servers, deleted when its time is over (for the tick)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from services import clock
from services.dynamodb import ConditionFailed, transact
from services.errors import Unfinished
from services.platform import Platform


def steps(platform: Platform) -> list[Callable[[], bool]]:
    """A tick's steps, one for each whose time is over."""
    due = list(platform.saves.departed_due(clock.now()))
    return [partial(_forget, platform, key) for key in due]


def _forget(platform: Platform, key: tuple[str, str]) -> bool:
    """Delete the saves, the secret that opens them, and last what says that there is something. Always False."""
    departed = platform.saves.find_departed(key)
    if departed is None or "takenBy" in departed:
        return False
    try:
        transact(platform.saves.leave_departed(departed))
    except ConditionFailed:
        return False  # it comes back just now
    name = departed["saveId"]
    try:
        platform.save_bucket.delete(name)
    except Unfinished:
        return False  # the next tick goes on
    for save in platform.saves.of_repository(name):
        transact(platform.saves.forget(save))
    platform.secrets.delete(departed["secretOf"])
    transact(platform.saves.forget_departed(departed["userId"], name))
    return False
