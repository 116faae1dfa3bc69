"""What comes of a file task's end: its save is noted, what was decided goes a step further or is tried again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import structlog

from actions.instances.file_results import LOST, WORDS, FileResult, result_of
from services import clock
from services.dynamodb import Operation
from services.instances import (
    FileWork,
    FileWorkKind,
    Instance,
    InstanceStatus,
    LastSave,
    repository_of,
)
from services.platform import Platform
from services.runs import Run
from services.saves import Save

_log = structlog.get_logger()
TRIES = 5  # of a step, before it is given up
_AGAIN_SECONDS = 300  # until the second; twice as long before each further one
_HOPELESS = ("no-such-save", "no-such-part")  # no further try helps


@dataclass
class Outcome:
    """What the instance notes as the run is closed, with what else; `notice` is its kind and what it says."""

    values: dict[str, Any] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    operations: list[Operation] = field(default_factory=list)
    notice: tuple[str, str] | None = None
    held: int | None = None  # bytes, in the repository


def outcome_of(platform: Platform, instance: Instance, run: Run) -> Outcome:
    """What comes of the end of a file task's run, by what the task has reported."""
    found = platform.save_bucket.result(repository_of(instance), run["runId"])
    result, outcome = result_of(found, run["runId"]), Outcome()
    work = instance.get("work")
    if result and result.do == "save" and result.snapshot:
        save = _save(instance, run, result, work)
        outcome.values["lastSave"] = _last(save)
        outcome.held = _held(instance, result)
        outcome.operations.append(platform.saves.add(save))
        outcome.operations += _forgotten(platform, save["repository"], run, result)
    if result and result.checked and result.checked.problems:
        _log.error("a repository is damaged", details={"instanceId": instance["instanceId"]})
        message = (
            "A look at your saves has found damage. Tell the operator before you rely on them."
        )
        outcome.notice = ("saves-damaged", message)
    if work and instance["status"] != InstanceStatus.DESTROYING:
        _advance(outcome, instance, work, run, result)
    return outcome


def _advance(
    outcome: Outcome, instance: Instance, work: FileWork, run: Run, result: FileResult | None
) -> None:
    """Let the work go on behind the step that was done, or try that again."""
    due = {"due": "instance", "dueAt": clock.now()}
    if result is None or not result.is_done:
        _failed(outcome, instance, work, run, (result and result.failed) or LOST)
        return
    if run["kind"] == "restore" or work["kind"] in (FileWorkKind.SAVE, FileWorkKind.SAVE_NOW):
        outcome.removed = ("work",)
        if run["kind"] == "restore":
            outcome.notice = ("restored", "Your files have been put back as they were saved.")
        outcome.values |= due if "startsAfter" in instance else {}
        return
    done = {k: v for k, v in work.items() if k not in ("tries", "failure")}
    outcome.values |= {"work": done | {"saved": _save_id(run, result)}, **due}


def _failed(outcome: Outcome, instance: Instance, work: FileWork, run: Run, failure: str) -> None:
    now, tries = clock.now(), work.get("tries", 0) + 1
    if "startsAfter" in instance:  # it was ended for that
        outcome.values |= {"due": "instance", "dueAt": now}
        return
    why = WORDS.get(failure, WORDS[LOST])
    kind = "restore-failed" if work["kind"] == FileWorkKind.RESTORE else "save-failed"
    # Of one that may have begun to put files in their places, every try is better than none.
    may_be_half = run["kind"] == "restore" and failure not in _HOPELESS
    if failure in _HOPELESS or (tries >= TRIES and not may_be_half):
        outcome.removed = ("work",)
        outcome.notice = (kind, f"{_WHAT[kind]} {why} It is not tried again.{_after(work)}")
        return
    wait = _AGAIN_SECONDS << min(tries - 1, 4)
    again = {"work": work | {"tries": tries, "failure": failure}}
    outcome.values |= {**again, "due": "instance", "dueAt": now + wait}
    if tries == 1:
        outcome.notice = (kind, f"{_WHAT[kind]} {why} It is tried again.")


_WHAT = {
    "save-failed": "Your server could not be saved:",
    "restore-failed": "Your files could not be put back:",
}


def _after(work: FileWork) -> str:
    if work["kind"] == FileWorkKind.RESTORE:
        return " Nothing was changed."
    return " The next save is made after the next stop."


def _save_id(run: Run, result: FileResult) -> str:
    return f"save-{result.at}-{run['runId'][:4]}"  # in the order of time


def _save(instance: Instance, run: Run, result: FileResult, work: FileWork | None) -> Save:
    made: dict[str, Any] = {
        "repository": repository_of(instance),
        "saveId": _save_id(run, result),
        "snapshot": result.snapshot,
        "userId": instance["userId"],
        "runId": run["runId"],
        "kind": work["save"] if work else "after-stop",
        "at": result.at,
        "bytes": result.bytes,
        "addedBytes": result.added_bytes,
        "files": result.files,
        "clean": result.clean,
        "build": result.build,
        "packages": result.shown_packages,
        "label": work.get("label") if work else None,
    }
    return cast("Save", {name: value for name, value in made.items() if value is not None})


def _held(instance: Instance, result: FileResult) -> int:
    """What the repository holds; reckoned, where the task has ended before it had added that up."""
    if result.repository_bytes is not None:
        return result.repository_bytes
    return (instance["stored"]["bytes"] if "stored" in instance else 0) + result.added_bytes


def _last(save: Save) -> LastSave:
    last: LastSave = {"saveId": save["saveId"], "at": save["at"], "bytes": save["bytes"]}
    if "clean" in save:
        last["clean"] = save["clean"]
    return last


def _forgotten(
    platform: Platform, repository: str, run: Run, result: FileResult
) -> list[Operation]:
    """What removes the saves that the task has forgotten, of those that it was to forget."""
    gone = set(result.forgot)
    return [
        platform.saves.forget(save)
        for save in (platform.saves.of_repository(repository) if gone else [])
        if save["snapshot"] in gone and "leaving" in save
    ]
