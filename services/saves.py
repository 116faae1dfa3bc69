"""The table of saves: what was kept of members' files, one item per restic snapshot, by its repository."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import Any, NotRequired, TypedDict, cast

from services.dynamodb import Attr, Condition, Key, Operation, Position, Table, absent


class SaveKind(StrEnum):
    """Why a save was made."""

    AFTER_STOP = "after-stop"
    ASKED_FOR = "asked-for"  # by its member
    BEFORE_RESTORE = "before-restore"
    BEFORE_IMPORT = "before-import"
    BEFORE_UPDATE = "before-update"
    BEFORE_DESTROY = "before-destroy"
    BEFORE_SLEEP = "before-sleep"


class Package(TypedDict):
    """A module, system or world as its manifest in a save says; versions are what authors write."""

    type: str
    id: str
    title: NotRequired[str]
    version: NotRequired[str]
    minimum: NotRequired[str]  # of Foundry, as the next two
    verified: NotRequired[str]
    maximum: NotRequired[str]
    system: NotRequired[str]  # of a world
    coreVersion: NotRequired[str]  # of a world: the Foundry that opened it last


class Save(TypedDict):
    """One save. Times are UTC Unix seconds, sizes bytes."""

    repository: str
    saveId: str
    snapshot: str
    userId: str  # whose server it was then
    runId: str
    kind: SaveKind
    at: int
    bytes: int
    addedBytes: int  # that the repository has grown by
    files: int
    # Whether Foundry had ended cleanly before; absent where it had never run.
    clean: NotRequired[bool]
    build: NotRequired[str]  # of the Foundry that had run
    packages: NotRequired[list[Package]]
    label: NotRequired[str]
    locked: NotRequired[bool]  # it is kept whatever its age
    keptUntil: NotRequired[int]  # it is locked until then
    leaving: NotRequired[str]  # the run that forgets it


class Departed(TypedDict):
    """What is left of a destroyed server: its saves, and what is needed to bring it back."""

    repository: str  # not one of restic's: it says whose it was
    saveId: str  # the name of the repository that holds its saves
    userId: str
    username: str
    at: int
    until: int
    secretOf: str  # the instance by which the secret with the repository's password is named
    newest: str  # the snapshot of its newest save
    choices: dict[str, Any]  # of its member's, and what had run on the files
    takenBy: NotRequired[str]  # the instance with which it comes back
    due: NotRequired[str]
    dueAt: NotRequired[int]
    leaving: NotRequired[bool]  # all of it is being deleted
    # Who had it until an administrator handed it over, and when that was.
    formerUserId: NotRequired[str]
    handedOverAt: NotRequired[int]


_OF_DEPARTED = "departed#"


class Saves(Table):
    """Reads and writes of saves, and of what is left of destroyed servers."""

    due = "departed"

    def __init__(self, name: str) -> None:
        super().__init__(name, "repository", "saveId")

    def find(self, repository: str, save_id: str) -> Save | None:
        """The save as it is now, or None."""
        return cast("Save | None", self.get((repository, save_id)))

    def named(self, repository: str, save_id: str) -> Save:
        """The save that an instance names as its own; raises LookupError if there is none."""
        save = self.find(repository, save_id)
        if save is None:
            raise LookupError(f"save {save_id} has no entry")
        return save

    def of_repository(self, repository: str) -> list[Save]:
        """All saves in a repository, the oldest first. A consistent read."""
        return cast("list[Save]", list(self.query(None, Key("repository").eq(repository))))

    def listed(
        self, repository: str, limit: int, after: Position | None
    ) -> tuple[list[Save], Position | None]:
        """A page of a repository's saves, the newest first."""
        of = ("repository", repository)
        items, last = self.page(limit, after, of=of, descending=True)
        return cast("list[Save]", items), last

    def before(self, save: Save) -> Save | None:
        """The next older save of the same repository."""
        older = Key("repository").eq(save["repository"]) & Key("saveId").lt(save["saveId"])
        return cast("Save | None", next(self.query(None, older, 1, descending=True), None))

    def add(self, save: Save) -> Operation:
        """The operation that notes a save; refused if it is noted."""
        return self.put(save, absent("saveId"))

    def leave(self, save: Save, run_id: str, now: int) -> Operation:
        """The operation that notes that a save is to be forgotten; refused if it is locked `now`."""
        unlocked = self._is_there & absent("locked")
        unlocked &= absent("keptUntil") | Attr("keptUntil").lte(now)
        return self._change(save, unlocked, {"leaving": run_id})

    def forget(self, save: Save) -> Operation:
        """The operation that removes a save of which its repository knows nothing any more."""
        return self.delete((save["repository"], save["saveId"]))

    # --- what is left of destroyed servers

    def depart(self, departed: Departed) -> Operation:
        """The operation that notes what is left of a server, until its time is over."""
        due = {"due": self.due, "dueAt": departed["until"]}
        return self.put({**departed, **due})

    def departed_of(self, user_id: str) -> list[Departed]:
        """What is left of destroyed servers and the member can have again: first what comes back first.

        That is what was handed over to the member, then the own, of each the newest before.
        """
        whose = Key("repository").eq(f"{_OF_DEPARTED}{user_id}")
        found = cast("list[Departed]", list(self.query(None, whose)))
        here = [one for one in found if "takenBy" not in one and "leaving" not in one]
        return sorted(here, key=lambda one: (one.get("handedOverAt", 0), one["at"]), reverse=True)

    def comes_back_first(self, user_id: str) -> Departed | None:
        """What the member has again by restore-instance."""
        return next(iter(self.departed_of(user_id)), None)

    def find_departed(self, key: tuple[str, str]) -> Departed | None:
        """What is left of one, by its key."""
        return cast("Departed | None", self.get(key))

    def departed_due(self, now: int) -> Iterator[tuple[str, str]]:
        """The keys of those whose time is over, the longest over first."""
        wanted = Key("due").eq(self.due) & Key("dueAt").lte(now)
        return ((i["repository"], i["saveId"]) for i in self.query("DueIndex", wanted))

    def take(self, departed: Departed, instance_id: str) -> Operation:
        """The operation by which one comes back as that instance; refused if it is taken, or being deleted."""
        taken = {"takenBy": instance_id}
        return self.update(_key(departed), _is_as_read(departed), taken, ("due", "dueAt"))

    def hand_over(self, departed: Departed, handed: Departed) -> tuple[Operation, ...]:
        """The operations by which one is another member's; refused if it is taken, or being deleted."""
        return self.delete(_key(departed), _is_as_read(departed)), self.depart(handed)

    def leave_departed(self, departed: Departed) -> Operation:
        """The operation that notes that one is being deleted; refused if it is taken."""
        return self.update(_key(departed), self._is_there & absent("takenBy"), {"leaving": True})

    def forget_departed(self, user_id: str, repository: str) -> Operation:
        """The operation that removes what was noted of one."""
        return self.delete((f"{_OF_DEPARTED}{user_id}", repository))

    def relabel(self, save: Save, values: dict[str, object], removed: tuple[str, ...]) -> Operation:
        """The operation that gives a save another label, or locks it; refused if it is leaving or gone."""
        return self.update(
            (save["repository"], save["saveId"]),
            self._is_there & absent("leaving"),
            values,
            removed,
        )

    def _change(self, save: Save, when: Condition, values: dict[str, object]) -> Operation:
        return self.update((save["repository"], save["saveId"]), when, values)

    @property
    def _is_there(self) -> Condition:
        return Attr("saveId").exists()


def departed_name(user_id: str) -> str:
    """Under which what is left of a member's servers is noted."""
    return f"{_OF_DEPARTED}{user_id}"


def _is_as_read(departed: Departed) -> Condition:
    """That nobody has it back, or deletes it, and nobody had it back since it was read."""
    return absent("takenBy") & absent("leaving") & Attr("at").eq(departed["at"])


def _key(departed: Departed) -> tuple[str, str]:
    return departed["repository"], departed["saveId"]
