"""What members ask for, made up by hypothesis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from tests.model.emulated import Item
from tests.model.stage import BORROWERS, OWNERS, Event
from tests.world import sample

# Dora comes later; made fit for DNS, her name is Ben's.
USERS = (*OWNERS, *BORROWERS, "dora")
NAMES = {"dora": "Bén"}

BOOK, ASK = "schedule-session", "check-availability"
CANCEL, CREATE = "cancel-scheduled-session", "create-instance"


@dataclass(frozen=True)
class Wish:
    """A request that is not yet sent. Times in it are minutes from when it is."""

    action: str
    user: str
    fields: dict[str, Any] = field(default_factory=dict)

    def event(self, now: int, sessions: list[Item]) -> Event:
        """The request at the moment `now`; `sessions` are those that there are."""
        asked = {"action": self.action, "userId": self.user, **self.fields}
        if self.action == CREATE:
            return _created(**self.fields, userId=self.user)
        if self.action in (BOOK, ASK):
            asked["startTime"] = now + 60 * asked.pop("minutes")
        if self.action == CANCEL:
            own = [s["sessionId"] for s in sessions if s["userId"] == self.user] or ["none"]
            asked["sessionId"] = own[asked.pop("which") % len(own)]
        return asked


def _created(kind: str, **fields: Any) -> Event:
    """A request for a server: its owner shares the licence, keeps it, or has none."""
    user = fields["userId"]
    event = sample(CREATE, username=NAMES.get(user, user), **fields)
    event["allowLicenseSharing"] = kind == "sharing"
    if kind == "pooled":
        del event["foundryLicense"]
        event["licenseType"] = "pooled"
    return event


def _asking(action: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Wish]:
    return st.builds(Wish, st.just(action), st.sampled_from(USERS), st.fixed_dictionaries(fields))


_KINDS = st.sampled_from(["sharing", "own", "pooled"])
_TIMES = {"minutes": st.integers(0, 240), "duration": st.integers(15, 180)}

wishes = st.one_of(
    _asking("start-instance"),
    _asking("start-instance"),
    _asking("stop-instance"),
    _asking(BOOK, **_TIMES),
    _asking(BOOK, **_TIMES),
    _asking(ASK, **_TIMES),
    _asking(CANCEL, which=st.integers(0, 5)),
    _asking("request-license"),
    _asking("release-license"),
    _asking("set-license-sharing", allowLicenseSharing=st.booleans(), afterSessions=st.booleans()),
    _asking("keep-alive", minutes=st.integers(10, 240)),
    _asking("set-auto-shutdown", idleMinutes=st.integers(10, 60)),
    _asking("update-version", foundryVersion=st.sampled_from(["12", "13"])),
    _asking(CREATE, kind=_KINDS),
    _asking("destroy-instance"),
)
