"""SSM parameters that other stacks publish, remembered for a while."""

from __future__ import annotations

from services import clock
from services.aws import client

_REMEMBERED_SECONDS = 600


class Parameters:
    """Values by name; each is asked for once in ten minutes at most."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, int]] = {}

    def get(self, *names: str) -> list[str]:
        """The values of `names`, empty where there is no such parameter; one call for those not remembered."""
        now = clock.now()
        missing = [n for n in names if not self._is_fresh(n, now)]
        if missing:
            answer = client("ssm").get_parameters(Names=missing)
            found = {p["Name"]: str(p["Value"]) for p in answer["Parameters"]}
            self._known |= {name: (found.get(name, ""), now) for name in missing}
        return [self._known[name][0] for name in names]

    def _is_fresh(self, name: str, now: int) -> bool:
        return name in self._known and 0 <= now - self._known[name][1] < _REMEMBERED_SECONDS
