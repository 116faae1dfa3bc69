"""What is known of ends that nobody asked for, and of starts that came to nothing: one table.

A row is recognised by what ECS says of the task and its containers, by an exit code, or by the log's last lines.
Each pattern is from a text that somebody has seen (docs/sources.md, Why servers end).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from typing import NamedTuple

from actions.instances.definition import CONTAINER, NO_LICENSE_KEY, NOT_FETCHED, PREPARE
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
    said: str = ""  # by ECS
    log: str = ""
    code: tuple[str, int] | None = None  # of a container
    while_starting: bool = False
    if_late: bool = False


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
        said=r"OutOfMemory",
    ),
    Known(
        Cause.WRONG_TAG,
        "There is no image of its version; choose another version.",
        Mender.MEMBER,
        "update-version",
        said=r"CannotPull.*(not ?found|manifest unknown|manifest for|does not exist)",
    ),
    Known(
        Cause.PULLED_TOO_OFTEN,
        "The image of its version could not be fetched: its registry lets nobody fetch so often.",
        Mender.NOBODY,
        _START,
        said=r"CannotPull.*(toomanyrequests|429|rate limit)",
    ),
    Known(
        Cause.NO_IMAGE,
        f"The image of its version could not be fetched; {_OPERATOR}.",
        Mender.OPERATOR,
        said=r"CannotPull",
    ),
    Known(
        Cause.NO_SECRETS,
        f"AWS could not give it its secrets; {_OPERATOR}.",
        Mender.OPERATOR,
        said=r"ResourceInitializationError.*secret",
    ),
    Known(
        Cause.NO_FILES,
        f"AWS could not give it its files; {_OPERATOR}.",
        Mender.OPERATOR,
        said=r"ResourceInitializationError.*(EFS|mount)",
    ),
    Known(
        Cause.NOT_INITIALISED,
        f"AWS could not give it its files or secrets; {_OPERATOR}.",
        Mender.OPERATOR,
        said=r"ResourceInitializationError",
    ),
    Known(
        Cause.NO_MACHINE,
        "AWS had no machine for it just then.",
        Mender.NOBODY,
        _START,
        said=r"capacity|Timeout waiting for network|InternalError",
    ),
    Known(
        Cause.MACHINE_TAKEN,
        "AWS took its machine away.",
        Mender.NOBODY,
        _START,
        said=r"SpotInterruption|TerminationNotice|ServiceScheduler|retire|maintenance",
    ),
    Known(
        Cause.BY_HAND,
        "Its task was stopped in AWS by hand.",
        Mender.OPERATOR,
        _START,
        said=r"UserInitiated",
    ),
    Known(
        Cause.NOT_FETCHED,
        f"This version of Foundry could not be fetched in time; {_OPERATOR}.",
        Mender.OPERATOR,
        log=r"\.zip was not fetched within \d+ s",
        code=(PREPARE, NOT_FETCHED),
    ),
    Known(
        Cause.NO_LICENSE,
        "It has no licence key.",
        Mender.MEMBER,
        "change-credentials",
        log=r"There is no licence key",
        code=(PREPARE, NO_LICENSE_KEY),
    ),
    Known(
        Cause.HEAP_FULL,
        "Foundry's program ran out of memory (JavaScript heap), of which its machine had some left.",
        Mender.MEMBER,
        "set-size",
        log=r"JavaScript heap out of memory",
    ),
    Known(
        Cause.DISK_FULL,
        "Its disk was full: remove what you need no longer, or ask the operator for room.",
        Mender.MEMBER,
        log=r"ENOSPC|no space left on device|EDQUOT|disk quota exceeded",
        said=r"no space left on device",
    ),
    Known(
        Cause.TOO_MANY_LOGINS,
        "foundryvtt.com lets nobody log in or download so often (429).",
        Mender.NOBODY,
        _START,
        log=r"Unexpected response (429|Too Many Requests)",
        while_starting=True,
    ),
    Known(
        Cause.BAD_LOGIN,
        "foundryvtt.com refuses the account's name or password.",
        Mender.MEMBER,
        "change-credentials",
        log=r"Unable to log in as|(verify|check) your credentials",
        while_starting=True,
    ),
    Known(
        Cause.NO_LICENSE_OWNED,
        "The account of foundryvtt.com owns no licence.",
        Mender.MEMBER,
        "change-credentials",
        log=r"Could not find any license keys associated with account",
        while_starting=True,
    ),
    Known(
        Cause.SITE_UNREACHABLE,
        "foundryvtt.com could not be reached.",
        Mender.NOBODY,
        _START,
        log=r"Unable to authenticate: request to \S+ failed|EAI_AGAIN foundryvtt\.com",
        while_starting=True,
    ),
    Known(
        Cause.NOT_DOWNLOADED,
        "Foundry's software could not be downloaded.",
        Mender.NOBODY,
        _START,
        log=r"Failed to fetch release URL|Could not fetch a release URL|Unable to install Foundry Virtual Tabletop"
        r"|unzip: short read|does not contain the expected zip data",
        while_starting=True,
    ),
    Known(
        Cause.LOCKED,
        "Foundry found its files locked by another Foundry; the lock is removed at the next start.",
        Mender.NOBODY,
        _START,
        log=r"directory which is already locked by another process|Unable to update lock within the stale threshold"
        r"|ECOMPROMISED",
        while_starting=True,
    ),
    Known(
        Cause.PORT_TAKEN,
        "The port that Foundry listens on was in use.",
        Mender.NOBODY,
        _START,
        log=r"EADDRINUSE",
        while_starting=True,
    ),
    Known(
        Cause.CORRUPTED,
        "A database of the world is damaged: restore the backup that Foundry made.",
        Mender.MEMBER,
        log=r"Corruption: |LEVEL_CORRUPTION|the data file is corrupt"
        r"|Failed to connect to database .*Database is not open",
    ),
    Known(
        Cause.INCOMPATIBLE,
        "The world or its game system is of another version of Foundry than the one that runs.",
        Mender.MEMBER,
        "update-version",
        log=r"core version newer than the running version cannot be migrated"
        r"|is not available for use! Make sure your core software",
    ),
    Known(
        Cause.NO_PERMISSION,
        f"Foundry may not write to its files; {_OPERATOR}.",
        Mender.OPERATOR,
        log=r"EACCES: permission denied|EPERM: operation not permitted|can't create \S+: Permission denied"
        r"|You do not have permission to create content",
    ),
    Known(
        Cause.WORLD_FAILED,
        "Foundry failed while it opened the world: a module, or the world's own data, is to blame.",
        Mender.MEMBER,
        log=r"World launch failed|\bat (async )?World\.(setup|updateActivePacks)\b",
    ),
    Known(
        Cause.CRASHED,
        "Foundry's program crashed.",
        Mender.NOBODY,
        _START,
        log=r"Segmentation fault",
        code=(CONTAINER, 139),
    ),
    Known(
        Cause.NOT_SIGNED,
        "Foundry wants its licence agreement signed, which its administrator does at /license, or does not know"
        " the licence key.",
        Mender.MEMBER,
        "change-credentials",
        log=r"license verification failed",
        if_late=True,
    ),
    Known(
        Cause.NOT_STARTED,
        f"AWS could not start it; {_OPERATOR}.",
        Mender.OPERATOR,
        said=r"TaskFailedToStart",
    ),
)
LATE = Known(Cause.LATE, "It did not come up in time.", Mender.NOBODY, _START)
UNKNOWN = Known(Cause.UNKNOWN, "Foundry ended by itself.", Mender.NOBODY, _START)
# What an end says that the platform itself has asked ECS for, of a start that was late.
_OUR_OWN = (Cause.BY_HAND,)
_LISTENING = r"Server started and listening on port"


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
    return [row.cause for row in TABLE if row.said and _pattern(row.said).search(said)]


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


def _last(pattern: str, lines: Iterable[str]) -> int | None:
    """The last line that fits."""
    wanted, found = _pattern(pattern), None
    for number, line in enumerate(lines):
        if wanted.search(line):
            found = number
    return found


@cache
def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)
