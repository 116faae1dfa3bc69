"""What comes of a file task's end: its save is noted, what was decided goes a step further or is tried again."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import structlog

from actions.instances.file_decisions import decided, is_lasting
from actions.instances.file_results import LOST, WORDS, FileResult, result_of, without_tools
from actions.instances.retention import TRIAL_SECONDS
from actions.instances.sleeping import fell_asleep, rests
from services import clock
from services.dynamodb import Operation
from services.ecs import Task
from services.instances import (
    Farewell,
    FileWork,
    FileWorkKind,
    Instance,
    InstanceStatus,
    LastSave,
    repository_of,
)
from services.platform import Platform
from services.runs import Run
from services.save_bucket import EXPORT_SECONDS
from services.saves import Save, SaveKind

_log = structlog.get_logger()
TRIES = 5  # of a save that follows a stop, before it is given up
TRIES_OF_A_WISH = 2  # of what somebody has asked for, and may ask for again
_AGAIN_SECONDS = 300  # until the second; twice as long before each further one
# No further try helps; of the second ones another upload does.
_BAD_UPLOADS = ("no-such-upload", "no-archive", "unsafe", "too-big", "nothing-found")
_HOPELESS = ("no-such-save", "no-such-part", *_BAD_UPLOADS)


@dataclass
class Outcome:
    """What the instance notes as the run is closed, with what else; `notice` is its kind and what it says."""

    values: dict[str, Any] = field(default_factory=dict)
    removed: tuple[str, ...] = ()
    operations: list[Operation] = field(default_factory=list)
    notice: tuple[str, str] | None = None
    held: int | None = None  # bytes, in the repository


def outcome_of(platform: Platform, instance: Instance, run: Run, task: Task) -> Outcome:
    """What comes of the end of a file task's run, by what the task has reported."""
    found = platform.save_bucket.result(repository_of(instance), run["runId"])
    result = result_of(found, run["runId"]) or without_tools(task, run["runId"], run["kind"])
    work, outcome = instance.get("work"), Outcome()
    if result and result.do == "save" and result.snapshot:
        save = _save(instance, run, result, work)
        outcome.values["lastSave"] = _last(save)
        outcome.held = _held(instance, result)
        outcome.operations.append(platform.saves.add(save))
        outcome.operations += _forgotten(platform, save["repository"], run, result)
    if result and result.checked:
        outcome.values["checked"] = {"part": result.checked.part, "at": clock.now()}
    if result and result.checked and result.checked.problems:
        _log.error("a repository is damaged", details={"instanceId": instance["instanceId"]})
        message = (
            "A look at your saves has found damage. Tell the operator before you rely on them."
        )
        outcome.notice = ("saves-damaged", message)
    if instance["status"] == InstanceStatus.DESTROYING:
        _depart(outcome, instance, run, result)
    elif work:
        _advance(platform, outcome, instance, work, run, result)
    return outcome


def outcome_of_erasing(platform: Platform, instance: Instance, run: Run, task: Task) -> Outcome:
    """What comes of the end of a task that erased the files of a server which falls asleep."""
    outcome, work = Outcome(), instance.get("work")
    if list((task.exit_codes or {}).values()) == [0]:
        outcome.values |= fell_asleep(platform, instance)
        outcome.removed = ("work", "sleepNotices")
        outcome.values |= _due_next(platform, {**instance, "asleep": outcome.values["asleep"]})
    elif work:
        _failed(platform, outcome, instance, work, run, None)
    return outcome


def _depart(outcome: Outcome, instance: Instance, run: Run, result: FileResult | None) -> None:
    """A save of a server that is being destroyed: with it the rest can go, else it is tried again."""
    if instance.get("farewell") != Farewell.WANTED or run["kind"] != "save":
        return
    if result and result.is_done:
        outcome.values["farewell"] = Farewell.SAVED
        return
    tries = instance.get("farewellTries", 0) + 1
    outcome.values["farewellTries"] = tries
    if tries == 1:
        why = WORDS.get((result and result.failed) or LOST, WORDS[LOST])
        what = f"Your server is not destroyed yet, since it could not be saved before: {why}"
        outcome.notice = ("save-failed", f"{what} It is tried again. {_FORGET}")


_FORGET = "With `forget` destroy-instance keeps nothing."


def pause_before(tries: int) -> int:
    """The seconds until the next try, after so many."""
    return _AGAIN_SECONDS << min(tries - 1, 4)


def _advance(
    platform: Platform,
    outcome: Outcome,
    instance: Instance,
    work: FileWork,
    run: Run,
    result: FileResult | None,
) -> None:
    """Let the work go on behind the step that was done, or try that again."""
    if result is None or not result.is_done:
        _failed(platform, outcome, instance, work, run, result)
        return
    if work["kind"] in _ENDS_WITH[run["kind"]]:
        outcome.removed = ("work",)
        outcome.values |= _due_next(platform, instance)
    else:
        left = {k: v for k, v in work.items() if k not in ("tries", "failure")}
        is_back = run["kind"] == "restore"
        step = {"restored": True} if is_back else {"saved": _save_id(run, result)}
        outcome.values |= {"work": left | step, "due": "instance", "dueAt": clock.now()}
    _done(platform, outcome, instance, work, run, result)


def _done(
    platform: Platform,
    outcome: Outcome,
    instance: Instance,
    work: FileWork,
    run: Run,
    result: FileResult,
) -> None:
    """What follows from what was done, besides the next step, and what its member is told."""
    if result.exported and "exports" in work:
        outcome.values |= _exported(work, run, result) | _save_instead(platform, instance, work)
        said = "Your download is ready: ask for it again to have its address."
        outcome.notice = ("exported", said)
    elif result.inspected and "upload" in instance:
        upload = instance["upload"] | {"inspectedBy": run["runId"]}
        outcome.values |= {"upload": upload} | _save_instead(platform, instance, work)
        said = (
            f"Your upload brings {result.inspected.in_words}. Open your import page again (import-link)"
            " and choose the same file to see it and take it in, or do so by confirm-import."
        )
        outcome.notice = ("import-found", said)
    elif result.imported:
        outcome.removed += ("upload",)
        outcome.values["putBackAt"] = clock.now()
        outcome.notice = ("imported", f"Your server now has {result.imported.in_words} more.")
    elif result.restored:
        outcome.removed += ("comesBack", "passwordOf", "asleep")
        if not _is_newest(instance, work):
            outcome.values["putBackAt"] = clock.now()
        if "comesBack" in instance:
            outcome.values["lastStarted"] = instance["comesBack"]["lastStarted"]
        outcome.notice = ("restored", "Your files have been put back as they were saved.")


def _is_newest(instance: Instance, work: FileWork) -> bool:
    """Whether what is put back is the newest save: that of a server that was asleep, or comes back."""
    newest = {instance[of]["snapshot"] for of in ("asleep", "comesBack") if of in instance}
    return work["restores"]["snapshot"] in newest


# The work of which a run of that kind is the last step.
_ENDS_WITH: dict[str, tuple[FileWorkKind, ...]] = {
    "save": (FileWorkKind.SAVE, FileWorkKind.SAVE_NOW),
    "restore": (FileWorkKind.RESTORE,),
    "export": (FileWorkKind.EXPORT,),
    "inspect": (FileWorkKind.INSPECT,),
    "import": (FileWorkKind.IMPORT,),
}


def _exported(work: FileWork, run: Run, result: FileResult) -> dict[str, Any]:
    """What an instance notes of a zip that can be downloaded."""
    size = result.exported.bytes if result.exported else 0
    until = clock.now() + EXPORT_SECONDS
    return {"export": {"of": work["exports"], "runId": run["runId"], "bytes": size, "until": until}}


def _due_next(platform: Platform, instance: Instance) -> dict[str, Any]:
    """When an instance with which nothing more is to be done is due again."""
    if "startsAfter" in instance:
        return {"due": "instance", "dueAt": clock.now()}
    return rests(platform, instance)


def _save_instead(platform: Platform, instance: Instance, work: FileWork) -> dict[str, Any]:
    """What is noted if a wish that is given up had taken the place of the save after a stop: that is made yet."""
    last = instance.get("lastSave", {}).get("at", 0)
    is_made = work["kind"] == FileWorkKind.SAVE or last > instance["statusSince"]
    has_stopped = instance["status"] == InstanceStatus.STOPPED and "asleep" not in instance
    if is_made or not has_stopped or not any(platform.settings.kept):
        return {}
    wait = 0 if "startsAfter" in instance else _AGAIN_SECONDS
    return decided(FileWorkKind.SAVE, SaveKind.AFTER_STOP) | {"dueAt": clock.now() + wait}


def _failed(
    platform: Platform,
    outcome: Outcome,
    instance: Instance,
    work: FileWork,
    run: Run,
    result: FileResult | None,
) -> None:
    now, tries = clock.now(), work.get("tries", 0) + 1
    kind, what, nothing_more = _WORDS[work["kind"]]
    failure = (result and result.failed) or LOST
    why = WORDS.get(failure, WORDS[LOST])
    if result and result.detail:
        why += f" {result.detail}"
    if {"startsAfter", "givesWay"} & instance.keys() and not is_lasting(instance):
        # It was ended for a start: that comes now, or else is about to be asked for again.
        wait = 0 if "startsAfter" in instance else _AGAIN_SECONDS
        outcome.values |= {"due": "instance", "dueAt": now + wait}
        if "givesWay" not in instance:  # it was not ended for the start
            outcome.notice = (kind, f"{what} {why} The server starts all the same.")
        return
    # Of one that may have begun to put files in their places, every try is better than none.
    may_be_half = run["kind"] in ("restore", "import", "purge") and (result is None or result.begun)
    most = TRIES if work["kind"] == FileWorkKind.SAVE else TRIES_OF_A_WISH
    if not may_be_half and (failure in _HOPELESS or tries >= most):
        outcome.notice = (kind, f"{what} {why} {nothing_more}")
        outcome.removed = ("work",)
        if failure in _BAD_UPLOADS:
            outcome.removed += ("upload",)
            outcome.values |= _refused(instance, why)
        if "restores" in work:
            # A start that waits for the files of a server asleep would ask for them again.
            outcome.removed += ("startsAfter",)
            outcome.values |= rests(platform, instance)
        else:
            outcome.values |= _due_next(platform, instance)
        outcome.values |= _save_instead(platform, instance, work)
        return
    again = {"work": work | {"tries": tries, "failure": failure}}
    outcome.values |= {**again, "due": "instance", "dueAt": now + pause_before(tries)}
    if tries == 1:
        outcome.notice = (kind, f"{what} {why} It is tried again.")


def _refused(instance: Instance, why: str) -> dict[str, Any]:
    """What is noted for whoever asks again for what was uploaded."""
    upload = instance.get("upload")
    return {"uploadRefused": {"bytes": upload["bytes"], "why": why}} if upload else {}


_NOT_SAVED = "Your server could not be saved:"
_NOT_IMPORTED = "What you have uploaded could not be taken in:"
# Of each kind of work: the notice of its failure, how that begins, and how it ends when nothing is tried any more.
_WORDS = {
    FileWorkKind.SAVE: ("save-failed", _NOT_SAVED, "The next save is made after the next stop."),
    FileWorkKind.SAVE_NOW: ("save-failed", _NOT_SAVED, "Ask for it again, or tell the operator."),
    FileWorkKind.RESTORE: (
        "restore-failed",
        "Your files could not be put back:",
        "Nothing was changed.",
    ),
    FileWorkKind.UPDATE: (
        "update-failed",
        "Your server was not given the other version of Foundry, since it could not be saved before:",
        "Nothing was changed.",
    ),
    FileWorkKind.EXPORT: ("export-failed", "Your save could not be exported:", "Ask again."),
    FileWorkKind.INSPECT: ("import-failed", _NOT_IMPORTED, "Upload another one, or ask again."),
    FileWorkKind.IMPORT: ("import-failed", _NOT_IMPORTED, "Nothing was changed."),
    FileWorkKind.SLEEP: (
        "save-failed",
        "Your server does not fall asleep, since it could not be saved:",
        "It stays as it is.",
    ),
    FileWorkKind.UNDO_UPDATE: (
        "restore-failed",
        "Your server could not be taken back to what it was before the update:",
        "Nothing was changed.",
    ),
}


def _save_id(run: Run, result: FileResult) -> str:
    return f"save-{result.at}-{run['runId'][:4]}"  # in the order of time


def _save(instance: Instance, run: Run, result: FileResult, work: FileWork | None) -> Save:
    is_way_back = work is not None and work["kind"] == FileWorkKind.UPDATE
    made: dict[str, Any] = {
        "repository": repository_of(instance),
        "saveId": _save_id(run, result),
        "snapshot": result.snapshot,
        "userId": instance["userId"],
        "runId": run["runId"],
        "kind": work["save"] if work else SaveKind.BEFORE_DESTROY,
        "at": result.at,
        "bytes": result.bytes,
        "addedBytes": result.added_bytes,
        "files": result.files,
        "clean": result.clean,
        "build": result.build,
        "packages": result.shown_packages,
        "label": work.get("label") if work else None,
        "keptUntil": clock.now() + TRIAL_SECONDS if is_way_back else None,
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
