"""How far the work on a server's files is, as `status` shows it: what is decided, and what its task tells."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, ValidationError

from actions.action import Answer, Request
from actions.instances.file_results import LOST, WORDS, Size
from services import clock
from services.aws import AWS_FAILURES
from services.instances import FileWork, FileWorkKind, Instance, repository_of
from services.platform import Platform
from services.runs import FILE_KINDS

BEGINS, WAITS = "begins", "waits"  # of steps, beside those of which file_task.py tells
_UNITS = ("B", "kB", "MB", "GB", "TB")


class _Told(Request):
    """What a task tells: read with care, since what it handles are a member's files."""

    step: Annotated[str, Field(pattern=r"^[a-z]{1,16}$")]
    files: Size | None = None
    total_files: Size | None = None
    bytes: Size | None = None
    total_bytes: Size | None = None
    seconds_left: Size | None = None
    at: Size = 0


def files_shown(platform: Platform, instance: Instance, work: FileWork) -> Answer:
    """What is being done with the files. One read, while a task does it, which may fail."""
    told = _told(platform, instance)
    shown: Answer = {
        "doing": work["kind"],
        "since": work["since"],
        "step": told.step if told else WAITS if _waits(instance, work) else BEGINS,
        **(_figures(told) if told else {}),
        "tries": work.get("tries", 0),
    }
    return shown | ({"failure": work["failure"]} if "failure" in work else {})


def seconds_left(platform: Platform, instance: Instance) -> int | None:
    """How long its task says that it takes still, if it says so. One read, which may fail."""
    told = _told(platform, instance)
    return _left(told) if told else None


def files_in_words(instance: Instance, work: FileWork, shown: Answer) -> str:
    """The same for people: a sentence or two."""
    files, done = _doing(work)
    if shown["step"] == WAITS:
        why = WORDS.get(work.get("failure", LOST), WORDS[LOST])
        failed = done.removesuffix(" from a save")
        return f"{files} could not be {failed}: {why} It is tried again in {_minutes(_wait(instance))}."
    if done == "saved" and {"restores", "imports"} & work.keys():
        done += " as they are, before others take their place"
    if shown["step"] == BEGINS:
        return f"{files} are about to be {done}."
    if sentence := _OF_STEPS.get((done, shown["step"])):
        return sentence
    known = _known(shown)
    return f"{files} are being {done}{': ' if known else ''}{', '.join(known)}."


def _doing(work: FileWork) -> tuple[str, str]:
    """Which files, and what is done with them."""
    if work["kind"] == FileWorkKind.EXPORT:
        return "Its files", "made a zip of"
    if work["kind"] == FileWorkKind.INSPECT:
        return "The uploaded files", "looked into"
    if "saved" in work and "imports" in work:
        return "The uploaded files", "taken in"
    if "saved" in work and work["kind"] == FileWorkKind.SLEEP:
        return "Its files, which are saved,", "erased"
    is_back = "saved" in work and "restores" in work
    return "Its files", _BACK if is_back else "saved"


_BACK = "put back from a save"
_OF_STEPS = {
    ("saved", "assets"): "Its maps, pictures and sounds are being fetched to be saved.",
    ("saved", "prune"): "Its files are saved; what is not kept is being erased.",
    ("saved", "check"): "Its files are saved; a part of all saves is being checked.",
    (_BACK, "assets"): "Its maps, pictures and sounds are being put back from a save.",
}


def _told(platform: Platform, instance: Instance) -> _Told | None:
    if instance.get("runKind") not in FILE_KINDS or "taskArn" not in instance:
        return None
    try:
        found = platform.save_bucket.progress(repository_of(instance), instance["runId"])
        return _Told.model_validate(found) if found else None
    except (ValidationError, *AWS_FAILURES):
        return None


def _figures(told: _Told) -> dict[str, Any]:
    figures = {
        "filesDone": told.files,
        "files": told.total_files,
        "bytesDone": told.bytes,
        "bytes": told.total_bytes,
        "secondsLeft": _left(told),
    }
    return {name: figure for name, figure in figures.items() if figure is not None}


def _left(told: _Told) -> int | None:
    """How long it takes still, by now."""
    if told.seconds_left is None:
        return None
    return max(0, told.seconds_left - max(0, clock.now() - (told.at or clock.now())))


def _waits(instance: Instance, work: FileWork) -> bool:
    return "tries" in work and "runId" not in instance and _wait(instance) > 0


def _wait(instance: Instance) -> int:
    return instance.get("dueAt", 0) - clock.now()


def _known(shown: Answer) -> list[str]:
    """What a message says of the figures."""
    done, of = shown.get("bytesDone"), shown.get("bytes")
    known = [] if done is None else [_size(done, of)]
    if "filesDone" in shown:
        all_files = f" of {shown['files']:,}" if "files" in shown else ""
        known.append(f"{shown['filesDone']:,}{all_files} files")
    if "secondsLeft" in shown:
        known.append(f"{_minutes(shown['secondsLeft'])} left")
    return known


def _size(done: int, of: int | None) -> str:
    """Bytes in the unit of the larger amount."""
    power = 0
    while max(done, of or 0) >= 999.95 * 1000**power and power < len(_UNITS) - 1:
        power += 1
    amounts = [f"{n / 1000**power:.{min(power, 1)}f}" for n in (done, of) if n is not None]
    return f"{' of '.join(amounts)} {_UNITS[power]}"


def _minutes(seconds: int) -> str:
    return f"about {-(-seconds // 60)} min" if seconds >= 60 else "less than a minute"
