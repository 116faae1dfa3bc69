"""What can go wrong with functions, in the contract's words (docs/functions.md)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from actions.errors import Conflict, Forbidden, NotFound, RateLimited


def namespace_of(user_id: str) -> str:
    """The space in which the names of a member's functions are unique."""
    return f"tenant-{user_id}"


class FunctionNotFound(NotFound):
    """The member has no function of that name; nor does it matter whether somebody else has."""

    def __init__(self, name: str) -> None:
        super().__init__(f"function '{name}' not found", field="name", value=name)


class FunctionExists(Conflict):
    """The member has a function of that name."""

    def __init__(self, name: str, user_id: str) -> None:
        super().__init__(
            f"function '{name}' already exists in namespace '{namespace_of(user_id)}'",
            field="name",
            value=name,
        )


class NoFunctions(Forbidden):
    """The operator has not said how members' containers reach their registries."""

    def __init__(self) -> None:
        super().__init__(
            "this platform runs no functions",
            suggestion="Its operator allows them with the parameter FunctionNetwork.",
        )


class QuotaExceeded(Forbidden):
    """The member's functions would use more than is allowed; says what is used and what is allowed."""

    _UNITS: ClassVar = {
        "functions": (1, "functions"),
        "replicas": (1, "replicas"),
        "cpu": (1024, "vCPU"),
        "memory": (1024, "GB of memory"),
    }

    def __init__(self, what: str, used: int, asked: int, allowed: int) -> None:
        unit, name = self._UNITS[what]
        used_, asked_, allowed_ = (f"{n / unit:g}" for n in (used, asked, allowed))
        super().__init__(
            f"quota exceeded: {asked_} more {name} would be needed, {used_} of {allowed_} are used",
            quota={"of": name, "used": used / unit, "allowed": allowed / unit},
            suggestion="Make room by deleting a function or by fewer replicas.",
        )


class TooManyFollow(RateLimited):
    """As many follow logs as may at once, or the member alone follows as many as one may."""

    def __init__(self, most: int, of_one: int) -> None:
        super().__init__(
            f"logs are followed {most} times at once, {of_one} times by one user",
            30,
            suggestion="End one, or ask without follow.",
        )


def first_exceeded(
    used: Mapping[str, int], asked: Mapping[str, int], allowed: Mapping[str, int]
) -> QuotaExceeded | None:
    """The refusal of what does not fit, or None if all does."""
    for what, amount in asked.items():
        if amount > 0 and used.get(what, 0) + amount > allowed[what]:
            return QuotaExceeded(what, used.get(what, 0), amount, allowed[what])
    return None
