"""How often a member may have in a day, UTC, what costs money or takes from others what AWS allows all of them."""

from __future__ import annotations

from typing import Literal

from actions.errors import UsedUp
from services import clock
from services.dynamodb import ConditionFailed, Operation
from services.platform import Platform

Use = Literal["starts", "creates", "chats", "changes"]
# What a member has of each, as a refusal says it.
_WORDS: dict[Use, str] = {
    "starts": "starts",
    "creates": "new servers",
    "chats": "questions to the chat",
    "changes": "changes and invocations of functions, saves and restores",
}
_DAY = 86400


def counted_use(platform: Platform, user_id: str, use: Use) -> Operation:
    """The operation that counts one more use; refused when the day's are used up (`used_up` says so then).

    In the transaction that decides the use, so that one that does not come about is not counted.
    """
    return platform.registry.count_use(user_id, use, _allowed(platform, use), clock.now())


def count_use(platform: Platform, user_id: str, use: Use) -> None:
    """Count one more use of what no transaction decides. Raises UsedUp."""
    try:
        platform.registry.apply_update(counted_use(platform, user_id, use))
    except ConditionFailed:
        raise used_up(platform, use) from None


def give_use_back(platform: Platform, user_id: str, use: Use) -> None:
    """Count a use no longer that came to nothing."""
    platform.registry.apply_update(platform.registry.give_use_back(user_id, use, clock.now()))


def used_up(platform: Platform, use: Use) -> UsedUp:
    """The refusal of what the day allows no more of."""
    now = clock.now()
    return UsedUp(_WORDS[use], _allowed(platform, use), now, (now // _DAY + 1) * _DAY)


def _allowed(platform: Platform, use: Use) -> int:
    return platform.settings.allowed_a_day[use]
