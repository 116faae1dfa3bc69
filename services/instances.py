"""The table of instances: one item per user, from the intent to create until all is gone.

An item is locked by whoever works on it, and due while it is not at rest (services/locks.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any, Literal, NotRequired, Required, TypedDict, cast

from typing_extensions import ReadOnly, TypeIs

from services.dynamodb import Attr, Condition, Key, Operation, Position
from services.locks import LockableTable
from services.runs import EndCause, Kind
from services.saves import SaveKind


class InstanceStatus(StrEnum):
    """How far a server is. The contract has no word for one being made or destroyed: `status` says "unknown"."""

    CREATING = "creating"
    CREATED = "created"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    DESTROYING = "destroying"


class Phase(StrEnum):
    """How far a start is, from asking for a machine to a world in which can be played."""

    MACHINE = "machine"  # AWS is asked for one
    IMAGE = "image"  # it fetches the container's image
    FOUNDRY = "foundry"  # the container runs, Foundry does not answer yet
    SIGNATURE = "signature"  # Foundry wants its licence agreement signed
    SETUP = "setup"  # Foundry waits at its setup screen
    WORLD = "world"  # Foundry loads the world
    READY = "ready"


class Who(StrEnum):
    """Who may wake a table by its page, besides its member."""

    NOBODY = "nobody"
    CODE = "code"  # who has its code
    ANYONE = "anyone"


AT_REST = (InstanceStatus.CREATED, InstanceStatus.STOPPED)
UP = (InstanceStatus.STARTING, InstanceStatus.RUNNING)
WHOLE = (*AT_REST, *UP, InstanceStatus.STOPPING)  # neither half made nor half gone


class Booking(TypedDict):
    """A session's time and licence, as its member's instance knows it, preparation and grace included."""

    sessionId: str
    licenseId: str
    begins: int
    ends: int
    world: NotRequired[str]  # that a run in this time opens, instead of the server's own


class FileWorkKind(StrEnum):
    """What has been decided to be done with a server's files while it is at rest."""

    SAVE = "save"  # by itself, after a stop; a start comes first
    SAVE_NOW = "save-now"  # its member has asked for it
    RESTORE = "restore"
    UPDATE = "update"  # to another version of Foundry
    UNDO_UPDATE = "undo-update"  # back to the version before, and to the files as they were
    EXPORT = "export"  # a save as a zip, for its member to download
    INSPECT = "inspect"  # what its member has uploaded is looked into
    IMPORT = "import"  # and taken in
    SLEEP = "sleep"  # its files are erased once they are saved, since nobody plays on it


class FileWork(TypedDict):
    """One such decision, from then on until it is carried out or given up. Each of its steps is a run."""

    id: str
    kind: FileWorkKind
    since: int
    save: SaveKind  # what the save is with which it begins
    label: NotRequired[str]
    saved: NotRequired[str]  # that save's id, once it is made
    # The `snapshot` and what of it: `all`, or a `world`, a `module`, a `system`.
    restores: NotRequired[dict[str, str]]
    exports: NotRequired[dict[str, str]]  # the same of what is exported
    inspects: NotRequired[str]  # the upload that is looked into
    imports: NotRequired[str]  # the one that is taken in
    restored: NotRequired[bool]  # once that is done
    version: NotRequired[str]  # of Foundry, that is asked for
    tries: NotRequired[int]  # of the present step, that have failed
    failure: NotRequired[str]  # why the last one has


class Farewell(StrEnum):
    """What becomes of the files of a server that is being destroyed."""

    WANTED = "wanted"  # they are to be saved first
    SAVED = "saved"  # they are, and the saves are kept for a while
    FORGOTTEN = "forgotten"  # nothing is kept


class Checked(TypedDict):
    """The part of its repository that was looked at last, such as 3/8, and when."""

    part: str
    at: int


class Export(TypedDict):
    """What was exported last: of which snapshot what, by which run, and until when it can be downloaded."""

    of: dict[str, str]
    runId: str
    bytes: int
    until: int


class Upload(TypedDict):
    """An archive that its member uploads, or has, to be imported."""

    importId: str
    uploadId: str  # by which S3 knows it until it is whole
    bytes: int
    until: int
    inspectedBy: NotRequired[str]  # the run that has told what it holds


class UploadRefused(TypedDict):
    """An archive that was not let in."""

    bytes: int
    why: str


class Asleep(TypedDict):
    """Of a server whose files are kept as a save only: since when, and as which."""

    since: int
    snapshot: str


class ComesBack(TypedDict):
    """What a server that comes back was."""

    snapshot: str
    lastStarted: int


class Trial(TypedDict):
    """Another version of Foundry on trial: how the server was before, and until when that can be had again."""

    since: int
    until: int
    saveId: str
    snapshot: str
    version: str  # that was asked for before
    tag: NotRequired[str]  # that was started
    build: NotRequired[str]  # that had run


class LastSave(TypedDict):
    """The newest save, as `status` tells of it."""

    saveId: str
    at: int
    bytes: int
    clean: NotRequired[bool]


class Stored(TypedDict):
    """What its repository holds, by the report of a run, and since when that was not billed yet."""

    runId: str
    bytes: int
    since: int


class Files(TypedDict):
    """What is done with its files, and was."""

    repository: NotRequired[str]  # in which its saves are; named by itself unless said
    filesDefinition: NotRequired[str]  # the ARN of the definition of its file tasks
    filesShape: NotRequired[str]  # what that looks like
    work: NotRequired[FileWork]
    startsAfter: NotRequired[int]  # since when it is to be started, once its file task has ended
    lastSave: NotRequired[LastSave]
    # When other files than the newest save's were last put back, or files were imported.
    putBackAt: NotRequired[int]
    checked: NotRequired[Checked]
    export: NotRequired[Export]
    upload: NotRequired[Upload]
    uploadRefused: NotRequired[UploadRefused]  # until another begins
    trial: NotRequired[Trial]
    asleep: NotRequired[Asleep]
    # How often its member was told that it will be, since it was last used.
    sleepNotices: NotRequired[int]
    farewell: NotRequired[Farewell]
    farewellTries: NotRequired[int]
    keepsLicense: NotRequired[bool]  # while it is destroyed: the licence stays in the pool
    # Of one that comes back, until its files are there: what it was,
    # and the instance whose secret still holds its repository's password.
    comesBack: NotRequired[ComesBack]
    passwordOf: NotRequired[str]
    stored: NotRequired[Stored]


class Identity(TypedDict):
    """Who a server is whose: never changes while there is one. Times are UTC Unix seconds, here and below."""

    userId: str
    instanceId: str
    label: str
    host: str
    s3BucketName: str
    createdAt: int


class Choices(TypedDict):
    """What its member has chosen."""

    username: str  # as shown; label and host were made of it and stay
    foundryVersion: str
    licenseType: Literal["byol", "pooled"]
    allowLicenseSharing: bool
    operatorAccount: bool
    idleSeconds: NotRequired[int]
    memory: NotRequired[int]  # MiB, from the next start on; the operator's size unless chosen
    world: NotRequired[str]  # to open at a start; none to begin at the setup screen
    imageTag: NotRequired[
        str
    ]  # the tag to start: the version, until the build that came of it is known
    wake: NotRequired[Who]  # who may wake it by its page; whoever has its code, unless said
    codeGeneration: NotRequired[int]  # how often that code was made anew


class Resources(TypedDict):
    """What it is made of in AWS: there from the end of its making until it is destroyed."""

    accessPointId: NotRequired[ReadOnly[str]]
    secretArn: NotRequired[ReadOnly[str]]
    taskDefinitionArn: NotRequired[ReadOnly[str]]
    taskDefinitionLicense: NotRequired[str]
    taskDefinitionTag: NotRequired[str]
    formerRevision: NotRequired[int]  # the first of those before it that may still have to go
    licenseId: NotRequired[str]  # of the member's own licence, with `licenseOwnerId`
    licenseOwnerId: NotRequired[str]
    licenseClaims: NotRequired[list[str]]  # the fingerprints of its keys: one, but while it changes


class Bookings(TypedDict):
    """Its member's sessions that have not been forgotten."""

    bookings: NotRequired[list[Booking]]
    bookingsVersion: NotRequired[int]


class PresentRun(TypedDict):
    """Its run, from the decision to start until ECS has said that its task is over: then all of these go."""

    runId: NotRequired[ReadOnly[str]]
    runKind: NotRequired[ReadOnly[Kind]]
    runLicense: NotRequired[ReadOnly[str]]  # of one that plays
    runSize: NotRequired[ReadOnly[list[int]]]  # the same: CPU units and MiB
    runWorld: NotRequired[ReadOnly[str]]  # that it is to open at once
    runOrder: NotRequired[ReadOnly[str]]  # of one that handles files: what its task has to do
    unsaved: NotRequired[bool]  # it began before the files of a run before were saved
    givesWay: NotRequired[bool]  # to a start: one that handles files, and was ended for that
    worldNotOpened: NotRequired[str]  # why it has not
    taskArn: NotRequired[ReadOnly[str]]  # once ECS has been asked for it
    upSince: NotRequired[ReadOnly[int]]  # once it was seen running
    address: NotRequired[str]
    routing: NotRequired[bool]  # whether there may be a route to it
    ruleArn: NotRequired[str]  # of the route's rule, once it is known
    phase: NotRequired[Phase]  # how far its start was when it was last looked at
    lookedAt: NotRequired[int]
    arrival: NotRequired[dict[str, int]]  # when each phase began
    # Once its member was told that it is ready, or what it waits for: the session's id, if there is one.
    saidReady: NotRequired[str]
    seenAt: NotRequired[int]
    players: NotRequired[int]  # at the last look, if Foundry said that
    idleSince: NotRequired[int]
    noticedAt: NotRequired[int]
    keepUntil: NotRequired[int]
    missingSince: NotRequired[int]  # while ECS shows nothing of its task
    missedAt: NotRequired[int]  # at the last look that showed nothing
    stopAskedAt: NotRequired[int]  # once ECS has been asked to stop its task
    clean: NotRequired[bool]  # once Foundry was asked to close its world: whether it did
    idleProvenAt: NotRequired[int]  # when Foundry last said that nobody plays
    noticeId: NotRequired[str]  # of the notice of its stop, once that is under way
    endedBy: NotRequired[EndCause]  # once a stop is decided


class Event(TypedDict):
    """A scheduled event in Discord, of a session: its id, "" if somebody has deleted it, and its times."""

    id: str
    start: int
    end: int


class Panel(TypedDict):
    """Where in Discord it is shown, and who may do something about it there."""

    crew: NotRequired[list[str]]  # members and roles that may wake, keep and stop it
    panelChannel: NotRequired[str]
    panelSince: NotRequired[int]
    panelMessage: NotRequired[str]  # once it is there
    panelShown: NotRequired[str]  # what tells what it shows from what it should
    panelEvents: NotRequired[dict[str, Event]]  # by the sessions' ids
    eventsRefused: NotRequired[bool]  # since the bot may make none
    panelUntil: NotRequired[int]  # while it is being edited, by whom that was claimed


class Work(TypedDict):
    """Who works on it (LOCK_FIELDS), and when the tick has to look at it: not there while it is at rest."""

    worker: NotRequired[str]
    workerUntil: NotRequired[int]
    renews: NotRequired[bool]  # at rest, while its task definition may not be what was asked for
    due: NotRequired[str]
    dueAt: NotRequired[int]


class Instance(Identity, Choices, Resources, Bookings, PresentRun, Files, Panel, Work):
    """A member's server in any state."""

    status: ReadOnly[InstanceStatus]
    statusSince: int
    lastStarted: NotRequired[int]
    lastArrival: NotRequired[
        dict[str, int]
    ]  # seconds from the decision to each phase, in its last good start
    foundryBuild: NotRequired[str]  # the newest that has run on its files
    reason: NotRequired[str]
    failedRun: NotRequired[str]  # its last run that ended though nobody asked for it
    failure: NotRequired[dict[str, Any]]  # why that was, as `status` shows it until the next start
    nextMemory: NotRequired[int]  # MiB, for its next start if that is not its member's own
    purged: NotRequired[bool]  # of one being destroyed: whether its files are erased
    emptied: NotRequired[bool]  # and whether all else is gone


class Complete(Instance):
    """One that is made, and not yet being destroyed."""

    accessPointId: Required[ReadOnly[str]]
    secretArn: Required[ReadOnly[str]]
    taskDefinitionArn: Required[ReadOnly[str]]


class Active(Instance):
    """One with a run."""

    runId: Required[ReadOnly[str]]
    runKind: Required[ReadOnly[Kind]]


class Running(Complete, Active):
    """One on which can be played."""

    upSince: Required[ReadOnly[int]]
    taskArn: Required[ReadOnly[str]]
    runLicense: Required[ReadOnly[str]]


def is_complete(instance: Instance) -> TypeIs[Complete]:
    """Whether the instance has all that it is made of."""
    return "taskDefinitionArn" in instance


def is_running(instance: Instance) -> TypeIs[Running]:
    """Whether the instance runs."""
    return instance["status"] == InstanceStatus.RUNNING


class Instances(LockableTable[Instance]):
    """Reads and conditional writes of instances."""

    due = "instance"

    def __init__(self, name: str) -> None:
        super().__init__(name, "userId")

    def find(self, user_id: str) -> Instance | None:
        """The user's instance as it is now, or None. One consistent read."""
        return cast("Instance | None", self.get(user_id))

    def all(self) -> Iterator[Instance]:
        """Every instance, for repairing what was counted of them."""
        return (cast("Instance", item) for item in self.scan())

    def listed(self, limit: int, after: Position | None) -> tuple[list[Instance], Position | None]:
        """A page of all instances, in no order."""
        items, last = self.page(limit, after, full=True)
        return cast("list[Instance]", items), last

    def due_ids(self, now: int) -> Iterator[str]:
        """The users whose instances want attention at `now`, longest due first."""
        wanted = Key("due").eq(self.due) & Key("dueAt").lte(now)
        return (item["userId"] for item in self.query("DueIndex", wanted))

    def change(
        self,
        instance: Instance,
        when: Condition,
        values: Mapping[str, Any],
        remove: Sequence[str] = (),
    ) -> Operation:
        """The operation that changes this very instance, never a later one of the same user.

        Raises ValueError for its status, which changes by `change_status` only.
        """
        if "status" in values:
            raise ValueError(
                "A status is written by actions/instances/transitions.py, which counts it."
            )
        return self.update(instance["userId"], self.is_same(instance) & when, values, remove)

    def change_status(
        self,
        instance: Instance,
        status: InstanceStatus,
        when: Condition,
        values: Mapping[str, Any],
        remove: Sequence[str] = (),
    ) -> Operation:
        """Like change, with its status: for actions/instances/transitions.py, which counts how many have which."""
        values = {**values, "status": status}
        return self.update(instance["userId"], self.is_same(instance) & when, values, remove)

    def is_same(self, instance: Instance) -> Condition:
        """The condition that the item is still this very instance."""
        return Attr("instanceId").eq(instance["instanceId"])


def repository_of(instance: Instance) -> str:
    """The name of the repository in which its saves are."""
    return instance.get("repository", instance["instanceId"])


def is_being_restored(instance: Instance) -> bool:
    """Whether its files may be half of one save and half of another or of an import, or are about to be."""
    return not {"restores", "imports"}.isdisjoint(instance.get("work", {}))


def is_wanted_up(instance: Instance) -> bool:
    """Whether it is up, or starts as soon as its file task has ended."""
    return instance["status"] in UP or "startsAfter" in instance


def booked_now(instance: Instance, now: int) -> Booking | None:
    """The booking of the member's session that is being prepared or played at `now`."""
    bookings = instance.get("bookings", [])
    return next((b for b in bookings if b["begins"] <= now < b["ends"]), None)
