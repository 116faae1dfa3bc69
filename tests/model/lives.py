"""How long tasks really existed, whatever is known of it."""

from __future__ import annotations

from dataclasses import dataclass

FORGOTTEN_SECONDS = 3600  # how long after its stop ECS still knows of a task


@dataclass
class Life:
    """How long a task really existed."""

    begin: int | None = None
    end: int | None = None
    forgotten: bool = False

    @property
    def seconds(self) -> int:
        """For how long it is to be billed, once it is over."""
        return self.end - self.begin if self.end and self.begin else 0
