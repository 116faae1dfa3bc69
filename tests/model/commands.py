"""What members ask for, made up by hypothesis."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from hypothesis import strategies as st

from actions.instances.waking import wake_url
from actions.tables import nonces
from handler import app
from services.instances import Instance
from tests.model import emulated
from tests.model.emulated import Item
from tests.model.simulation import BORROWERS, OWNERS, Event
from tests.world import DOMAIN, license_key, sample

# Dora comes later; made fit for DNS, her name is Ben's.
USERS = (*OWNERS, *BORROWERS, "dora")
NAMES = {"dora": "Bén"}

START, STOP, DESTROY = "start-instance", "stop-instance", "destroy-instance"
CREATE, KEEP, UPDATE = "create-instance", "keep-alive", "update-version"
BOOK, ASK, CANCEL = "schedule-session", "check-availability", "cancel-scheduled-session"
REGISTER, UNREGISTER = "webhook-create", "webhook-delete"
MOVE, CREDENTIALS = "move-session", "change-credentials"
WAKE, LOOK = "wake-table", "table-state"
SAVE, RESTORE, LABEL, DELETE = "save-now", "restore-save", "label-save", "delete-save"
EXPORT = "export-save"
BEGIN_IMPORT, CONFIRM_IMPORT = "begin-import", "confirm-import"
UNDO, COME_BACK = "undo-update", "restore-instance"


def _is(*statuses: str) -> Callable[[Item], bool]:
    return lambda instance: instance.get("status", "none") in statuses


# For whom an action makes sense, by the instance (empty for who has none).
SENSIBLE: dict[str, Callable[[Item], bool]] = {
    START: _is("created", "stopped"),
    UPDATE: _is("created", "stopped"),
    STOP: _is("starting", "running"),
    KEEP: _is("running"),
    CREATE: _is("none"),
    COME_BACK: _is("none"),
    UNDO: _is("stopped"),
    BOOK: bool,
    CANCEL: lambda instance: bool(instance.get("bookings")),
    MOVE: lambda instance: bool(instance.get("bookings")),
    CREDENTIALS: _is("created", "stopped"),
    "set-license-sharing": lambda instance: "licenseId" in instance or not instance,
    WAKE: _is("created", "stopped"),
    LOOK: _is("starting", "running"),
    SAVE: lambda instance: "lastStarted" in instance and _is("stopped")(instance),
    RESTORE: lambda instance: "lastSave" in instance and _is("stopped")(instance),
    LABEL: lambda instance: "lastSave" in instance,
    EXPORT: lambda instance: "lastSave" in instance and _is("stopped")(instance),
    DELETE: lambda instance: "lastSave" in instance,
    BEGIN_IMPORT: _is("created", "stopped"),
    CONFIRM_IMPORT: lambda instance: "inspectedBy" in instance.get("upload", {}),
}


@dataclass(frozen=True)
class Command:
    """A request that is not yet sent. Times in it are minutes from when it is.

    It is made by one of those for whom it makes sense then, or by anybody if it is `silly`.
    """

    action: str
    whose: int
    silly: bool = False
    fields: dict[str, Any] = field(default_factory=dict)

    def event(self, now: int) -> Event:
        """The request at the moment `now`."""
        user = self._user()
        asked = {"action": self.action, "userId": user, **self.fields}
        if self.action in (CREATE, COME_BACK):
            return _created(userId=user, **self.fields) | {"action": self.action}
        if self.action in (WAKE, LOOK):
            return _at_a_table(self.action, user, **self.fields)
        if self.action in (BOOK, ASK, MOVE):
            asked["startTime"] = now + 60 * asked.pop("minutes")
        if self.action in (CANCEL, MOVE):
            sessions = [s for s in emulated.items("sessions") if s["userId"] == user]
            own = [s["sessionId"] for s in sessions if "due" in s or self.silly] or ["none"]
            asked["sessionId"] = own[asked.pop("which") % len(own)]
        if self.action == UNREGISTER:
            ids = [i["webhookId"] for i in emulated.items("webhooks") if "url" in i]
            asked["id"] = (ids or ["none"])[asked.pop("which") % (len(ids) or 1)]
        if self.action in (RESTORE, LABEL, DELETE, EXPORT):
            asked["saveId"] = _one_save(user, asked.pop("which"))
        if self.action == CONFIRM_IMPORT:
            asked["importId"] = _the_import(user)
        return _given(asked)

    def _user(self) -> str:
        instances = {i["userId"]: i for i in emulated.items("instances")}
        makes_sense = SENSIBLE.get(self.action)
        users = USERS
        if makes_sense and not self.silly:
            users = tuple(u for u in USERS if makes_sense(instances.get(u, {}))) or USERS
        return users[self.whose % len(users)]


def _the_import(user: str) -> str:
    """The id of what the member has uploaded, or of nothing."""
    own = [
        i["upload"] for i in emulated.items("instances") if i["userId"] == user and "upload" in i
    ]
    return str(own[0]["importId"]) if own else "0" * 12


def _given(asked: dict[str, Any]) -> Event:
    """A request with what it gives, and without what it does not."""
    if asked.pop("keepsStart", False):
        del asked["startTime"]
    if asked["action"] == CREDENTIALS:
        asked["foundryLicense"] = license_key(asked.pop("key"))
    return {name: value for name, value in asked.items() if name != "label" or value}


def _one_save(user: str, which: int) -> str:
    """The id of one of the user's saves."""
    own = [
        i.get("repository", i["instanceId"])
        for i in emulated.items("instances")
        if i["userId"] == user
    ]
    ids = sorted(i["saveId"] for i in emulated.saves() if i["repository"] in own)
    return str(ids[which % len(ids)]) if ids else "save-0"


def _created(kind: str, **fields: Any) -> Event:
    """A request for a server: its owner shares the licence, keeps it, or has none."""
    user = fields["userId"]
    event = sample(CREATE, username=NAMES.get(user, user), **fields)
    event["allowLicenseSharing"] = kind == "sharing"
    if kind == "pooled":
        del event["foundryLicense"]
        event["licenseType"] = "pooled"
    return event


def _at_a_table(action: str, user: str, *, is_code: bool = False) -> Event:
    """What a page of the user's table sends, with its code or with another one."""
    instance = next((i for i in emulated.items("instances") if i["userId"] == user), None)
    host = f"none.{DOMAIN}" if instance is None else instance["host"]
    asked: Event = {
        "action": action,
        "host": host,
        "userId": user,
    }  # whom it is about, for those who look on
    if action == WAKE:
        platform = app.platform()
        asked["nonce"] = nonces.issue(platform, host)
        if instance is not None and is_code:
            asked["code"] = wake_url(platform, cast("Instance", instance)).partition("code=")[2]
    return asked


def _asking(action: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Command]:
    silly = st.sampled_from([False, False, False, True])
    whose = st.integers(0, len(USERS) - 1)
    return st.builds(Command, st.just(action), whose, silly, st.fixed_dictionaries(fields))


_TIMES = {"minutes": st.integers(0, 240), "duration": st.integers(15, 180)}

starts = _asking(START)
stops = _asking(STOP)
books = _asking(BOOK, **_TIMES)
cancels = _asking(CANCEL, which=st.integers(0, 5))
moves = _asking(MOVE, which=st.integers(0, 5), keepsStart=st.booleans(), **_TIMES)
leases = st.one_of(_asking("request-license"), _asking("release-license"))
shares = _asking(
    "set-license-sharing", allowLicenseSharing=st.booleans(), afterSessions=st.booleans()
)
_KINDS = {"kind": st.sampled_from(["sharing", "own", "pooled"])}
creates = st.one_of(_asking(CREATE, **_KINDS), _asking(COME_BACK, **_KINDS))
destroys = st.one_of(
    _asking(DESTROY), _asking(DESTROY, forget=st.booleans(), keepLicenseSharing=st.booleans())
)
minor = st.one_of(
    _asking(ASK, **_TIMES),
    _asking(KEEP, minutes=st.integers(10, 720)),
    _asking("set-auto-shutdown", idleMinutes=st.integers(10, 60)),
    _asking("set-size", memory=st.sampled_from([2048, 4096, 8192])),
    _asking("set-wake", who=st.sampled_from(["nobody", "code", "anyone"]), rotate=st.booleans()),
    _asking("crew-add", crewId=st.sampled_from(["3" * 18, "4" * 18])),
    _asking("crew-remove", crewId=st.sampled_from(["3" * 18, "4" * 18])),
    _asking("set-time-zone", timeZone=st.sampled_from(["UTC", "Europe/Berlin"])),
    _asking("set-world", world=st.sampled_from(["a-world", "another", None])),
    _asking(UPDATE, foundryVersion=st.sampled_from(["12", "13"])),
    _asking(CREDENTIALS, key=st.sampled_from(["one", "two", "ada"])),
    _asking(REGISTER, url=st.sampled_from(["https://a.example/", "https://b.example/hook"])),
    _asking(UNREGISTER, which=st.integers(0, 9)),
)
saves = st.one_of(
    _asking(SAVE, label=st.sampled_from(["Mine", None])),
    _asking(RESTORE, which=st.integers(0, 5)),
    _asking(RESTORE, which=st.integers(0, 5), world=st.just("a-world")),
    _asking(LABEL, which=st.integers(0, 5), label=st.just("Another"), locked=st.booleans()),
    _asking(DELETE, which=st.integers(0, 5)),
    _asking(EXPORT, which=st.integers(0, 5)),
    _asking(BEGIN_IMPORT, bytes=st.just(1000)),
    _asking(BEGIN_IMPORT, bytes=st.sampled_from([1000, 2000]), startOver=st.booleans()),
    _asking(CONFIRM_IMPORT),
    _asking(UPDATE, foundryVersion=st.sampled_from(["12", "13"])),
    _asking(UNDO),
)
visits = st.one_of(_asking(WAKE, is_code=st.booleans()), _asking(LOOK))
any_command = st.one_of(
    starts, stops, books, moves, cancels, leases, shares, creates, destroys, minor, saves
)
