"""What is known of ends that nobody asked for, and of starts that came to nothing: one table.

A row is recognised by what ECS says of the task and its containers, by an exit code, or by the log's last lines.
Each pattern is from a text that somebody has seen (docs/sources.md, Why servers end).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from actions.instances.definition import (
    CONTAINER,
    HALF_RESTORED,
    NO_LICENSE_KEY,
    NOT_FETCHED,
    PREPARE,
)
from services.ecs import Task


class Cause(StrEnum):
    """Why a run ended, as it stays with the run and as the statistics count it."""

    OUT_OF_MEMORY = "out-of-memory"
    HEAP_FULL = "heap-out-of-memory"
    WRONG_TAG = "wrong-tag"
    PULLED_TOO_OFTEN = "image-pulled-too-often"
    NO_IMAGE = "no-image"
    NO_SECRETS = "no-secrets"
    NO_FILES = "no-files"
    NOT_INITIALISED = "not-initialised"
    NO_MACHINE = "no-machine"
    MACHINE_TAKEN = "machine-taken"
    BY_HAND = "by-hand"
    NOT_STARTED = "not-started"
    NOT_FETCHED = "release-not-fetched"
    RESTORING = "files-being-put-back"
    NO_LICENSE = "no-licence-key"
    TOO_MANY_LOGINS = "too-many-requests"
    BAD_LOGIN = "bad-login"
    NO_LICENSE_OWNED = "account-without-licence"
    SITE_UNREACHABLE = "site-unreachable"
    NOT_DOWNLOADED = "release-not-downloaded"
    DISK_FULL = "disk-full"
    LOCKED = "files-locked"
    PORT_TAKEN = "port-in-use"
    NO_PERMISSION = "no-permission"
    CORRUPTED = "world-corrupted"
    INCOMPATIBLE = "world-incompatible"
    WORLD_FAILED = "world-failed"
    NOT_SIGNED = "signature-wanted"
    CRASHED = "crashed"
    LATE = "late"
    UNKNOWN = "unknown"


class Mender(StrEnum):
    """Who can mend it."""

    MEMBER = "member"
    OPERATOR = "operator"
    NOBODY = "nobody"  # it passes, or starting again is all there is to do


@dataclass(frozen=True)
class Known:
    """A row. `remedy` is the action that helps; what it is recognised by are regular expressions, without case.

    What is said `while_starting` counts no more once Foundry listens; what can only make a start late, `if_late`.
    """

    cause: Cause
    sentence: str
    mender: Mender
    remedy: str = ""
    said: re.Pattern[str] | None = None  # by ECS
    log: re.Pattern[str] | None = None
    code: tuple[str, int] | None = None  # of a container
    while_starting: bool = False
    if_late: bool = False

    @property
    def shown(self) -> dict[str, str]:
        """What answers say of the cause, and of what helps."""
        remedy = {"remedy": self.remedy} if self.remedy else {}
        return {"cause": self.cause, "mendedBy": self.mender, **remedy}


class Diagnosis(NamedTuple):
    """A row, and which of the lines that were looked at it was recognised by."""

    known: Known
    line: int | None = None


_OPERATOR = "the operator can see why"
_START = "start-instance"
# The first that fits: ECS's own words before exit codes and the log, the certain before what is only likely.
TABLE = (
    Known(
        Cause.OUT_OF_MEMORY,
        "Foundry ran out of memory.",
        Mender.MEMBER,
        "set-size",
        said=re.compile(r"OutOfMemory", re.IGNORECASE),
    ),
    Known(
        Cause.WRONG_TAG,
        "There is no image of its version; choose another version.",
        Mender.MEMBER,
        "update-version",
        said=re.compile(
            r"CannotPull.{0,200}(not ?found|manifest unknown|manifest for|does not exist)",
            re.IGNORECASE,
        ),
    ),
    Known(
        Cause.PULLED_TOO_OFTEN,
        "The image of its version could not be fetched: its registry lets nobody fetch so often.",
        Mender.NOBODY,
        _START,
        said=re.compile(r"CannotPull.{0,200}(toomanyrequests|429|rate limit)", re.IGNORECASE),
    ),
    Known(
        Cause.NO_IMAGE,
        f"The image of its version could not be fetched; {_OPERATOR}.",
        Mender.OPERATOR,
        said=re.compile(r"CannotPull", re.IGNORECASE),
    ),
    Known(
        Cause.NO_SECRETS,
        f"AWS could not give it its secrets; {_OPERATOR}.",
        Mender.OPERATOR,
        said=re.compile(r"ResourceInitializationError.{0,200}secret", re.IGNORECASE),
    ),
    Known(
        Cause.NO_FILES,
        f"AWS could not give it its files; {_OPERATOR}.",
        Mender.OPERATOR,
        said=re.compile(r"ResourceInitializationError.{0,200}(EFS|mount)", re.IGNORECASE),
    ),
    Known(
        Cause.NOT_INITIALISED,
        f"AWS could not give it its files or secrets; {_OPERATOR}.",
        Mender.OPERATOR,
        said=re.compile(r"ResourceInitializationError", re.IGNORECASE),
    ),
    Known(
        Cause.NO_MACHINE,
        "AWS had no machine for it just then.",
        Mender.NOBODY,
        _START,
        said=re.compile(r"capacity|Timeout waiting for network|InternalError", re.IGNORECASE),
    ),
    Known(
        Cause.MACHINE_TAKEN,
        "AWS took its machine away.",
        Mender.NOBODY,
        _START,
        said=re.compile(
            r"SpotInterruption|TerminationNotice|ServiceScheduler|retire|maintenance", re.IGNORECASE
        ),
    ),
    Known(
        Cause.BY_HAND,
        "Its task was stopped in AWS by hand.",
        Mender.OPERATOR,
        _START,
        said=re.compile(r"UserInitiated", re.IGNORECASE),
    ),
    Known(
        Cause.NOT_FETCHED,
        f"This version of Foundry could not be fetched in time; {_OPERATOR}.",
        Mender.OPERATOR,
        log=re.compile(r"\.zip was not fetched within \d+ s", re.IGNORECASE),
        code=(PREPARE, NOT_FETCHED),
    ),
    Known(
        Cause.RESTORING,
        "Its files are being put back; it can start once they are.",
        Mender.NOBODY,
        _START,
        log=re.compile(r"The files are being put back", re.IGNORECASE),
        code=(PREPARE, HALF_RESTORED),
    ),
    Known(
        Cause.NO_LICENSE,
        "It has no licence key.",
        Mender.MEMBER,
        "change-credentials",
        log=re.compile(r"There is no licence key", re.IGNORECASE),
        code=(PREPARE, NO_LICENSE_KEY),
    ),
    Known(
        Cause.HEAP_FULL,
        "Foundry's program ran out of memory (JavaScript heap), of which its machine had some left.",
        Mender.MEMBER,
        "set-size",
        log=re.compile(r"JavaScript heap out of memory", re.IGNORECASE),
    ),
    Known(
        Cause.DISK_FULL,
        "Its disk was full: remove what you need no longer, or ask the operator for room.",
        Mender.MEMBER,
        log=re.compile(r"ENOSPC|no space left on device|EDQUOT|disk quota exceeded", re.IGNORECASE),
        said=re.compile(r"no space left on device", re.IGNORECASE),
    ),
    Known(
        Cause.TOO_MANY_LOGINS,
        "foundryvtt.com lets nobody log in or download so often (429).",
        Mender.NOBODY,
        _START,
        log=re.compile(r"Unexpected response (429|Too Many Requests)", re.IGNORECASE),
        while_starting=True,
    ),
    Known(
        Cause.BAD_LOGIN,
        "foundryvtt.com refuses the account's name or password.",
        Mender.MEMBER,
        "change-credentials",
        log=re.compile(r"Unable to log in as|(verify|check) your credentials", re.IGNORECASE),
        while_starting=True,
    ),
    Known(
        Cause.NO_LICENSE_OWNED,
        "The account of foundryvtt.com owns no licence.",
        Mender.MEMBER,
        "change-credentials",
        log=re.compile(r"Could not find any license keys associated with account", re.IGNORECASE),
        while_starting=True,
    ),
    Known(
        Cause.SITE_UNREACHABLE,
        "foundryvtt.com could not be reached.",
        Mender.NOBODY,
        _START,
        log=re.compile(
            r"Unable to authenticate: request to \S{1,200} failed|EAI_AGAIN foundryvtt\.com",
            re.IGNORECASE,
        ),
        while_starting=True,
    ),
    Known(
        Cause.NOT_DOWNLOADED,
        "Foundry's software could not be downloaded.",
        Mender.NOBODY,
        _START,
        log=re.compile(
            r"Failed to fetch release URL|Could not fetch a release URL|Unable to install Foundry Virtual Tabletop"
            r"|unzip: short read|does not contain the expected zip data",
            re.IGNORECASE,
        ),
        while_starting=True,
    ),
    Known(
        Cause.LOCKED,
        "Foundry found its files locked by another Foundry; the lock is removed at the next start.",
        Mender.NOBODY,
        _START,
        log=re.compile(
            r"directory which is already locked by another process|Unable to update lock within the stale threshold"
            r"|ECOMPROMISED",
            re.IGNORECASE,
        ),
        while_starting=True,
    ),
    Known(
        Cause.PORT_TAKEN,
        "The port that Foundry listens on was in use.",
        Mender.NOBODY,
        _START,
        log=re.compile(r"EADDRINUSE", re.IGNORECASE),
        while_starting=True,
    ),
    Known(
        Cause.CORRUPTED,
        "A database of the world is damaged: restore the backup that Foundry made.",
        Mender.MEMBER,
        log=re.compile(
            r"Corruption: |LEVEL_CORRUPTION|the data file is corrupt"
            r"|Failed to connect to database .{0,200}Database is not open",
            re.IGNORECASE,
        ),
    ),
    Known(
        Cause.INCOMPATIBLE,
        "The world or its game system is of another version of Foundry than the one that runs.",
        Mender.MEMBER,
        "update-version",
        log=re.compile(
            r"core version newer than the running version cannot be migrated"
            r"|is not available for use! Make sure your core software",
            re.IGNORECASE,
        ),
    ),
    Known(
        Cause.NO_PERMISSION,
        f"Foundry may not write to its files; {_OPERATOR}.",
        Mender.OPERATOR,
        log=re.compile(
            r"EACCES: permission denied|EPERM: operation not permitted|can't create \S{1,200}: Permission denied"
            r"|You do not have permission to create content",
            re.IGNORECASE,
        ),
    ),
    Known(
        Cause.WORLD_FAILED,
        "Foundry failed while it opened the world: a module, or the world's own data, is to blame.",
        Mender.MEMBER,
        log=re.compile(
            r"World launch failed|\bat (async )?World\.(setup|updateActivePacks)\b", re.IGNORECASE
        ),
    ),
    Known(
        Cause.CRASHED,
        "Foundry's program crashed.",
        Mender.NOBODY,
        _START,
        log=re.compile(r"Segmentation fault", re.IGNORECASE),
        code=(CONTAINER, 139),
    ),
    Known(
        Cause.NOT_SIGNED,
        "Foundry wants its licence agreement signed, which its administrator does at /license, or does not know"
        " the licence key.",
        Mender.MEMBER,
        "change-credentials",
        log=re.compile(r"license verification failed", re.IGNORECASE),
        if_late=True,
    ),
    Known(
        Cause.NOT_STARTED,
        f"AWS could not start it; {_OPERATOR}.",
        Mender.OPERATOR,
        said=re.compile(r"TaskFailedToStart", re.IGNORECASE),
    ),
)
LATE = Known(Cause.LATE, "It did not come up in time.", Mender.NOBODY, _START)
UNKNOWN = Known(Cause.UNKNOWN, "Foundry ended by itself.", Mender.NOBODY, _START)
# What an end says that the platform itself has asked ECS for, of a start that was late.
_OUR_OWN = (Cause.BY_HAND,)
_LISTENING = re.compile(r"Server started and listening on port", re.IGNORECASE)


def diagnose(
    said: str,
    codes: Mapping[str, int | None],
    lines: Sequence[str] = (),
    *,
    late: bool = False,
) -> Diagnosis:
    """The first row that fits. Of a start that was given up as `late`, the platform has stopped the task itself."""
    return explain(recognised(said), codes, lines, late=late)


def recognised(said: str) -> list[str]:
    """The causes that ECS's words may stand for: all that has to be kept of them."""
    return [row.cause for row in TABLE if row.said and row.said.search(said)]


def explain(
    by_ecs: Collection[str],
    codes: Mapping[str, int | None],
    lines: Sequence[str] = (),
    *,
    late: bool = False,
) -> Diagnosis:
    """Like diagnose, by the causes that ECS's words were recognised as."""
    up = _last(_LISTENING, lines)
    for row in TABLE:
        if row.if_late > late or (late and row.cause in _OUR_OWN):
            continue
        by_code = row.code is not None and codes.get(row.code[0]) == row.code[1]
        line = _last(row.log, lines) if row.log else None
        if row.while_starting and None not in (line, up) and up > line:  # type: ignore[operator]
            line = None
        if row.cause in by_ecs or by_code or line is not None:
            return Diagnosis(row, line)
    return Diagnosis(LATE if late else UNKNOWN)


def known(cause: str) -> Known:
    """The row of a cause that was noted; that of the unknown if there is no such row any more."""
    return next((row for row in (*TABLE, LATE) if row.cause == cause), UNKNOWN)


def said_by(task: Task) -> str:
    """What ECS says of a task's end and of its containers. Not for members: it may name roles and accounts."""
    return " ".join([task.stop_code, task.stopped_reason, *task.reasons]).replace("\n", " ").strip()


def _last(wanted: re.Pattern[str], lines: Iterable[str]) -> int | None:
    """The last line that fits."""
    found = None
    for number, line in enumerate(lines):
        if wanted.search(line):
            found = number
    return found
