"""Put back."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

from .failures import Failed
from .journal import PLAN, finish, modes, remove, see_bucket, settle, staging, weighed, write_plan
from .places import CLEAN_STOP, ID, KINDS, NOTHING, OPENED, SIGNATURES, is_directory, kept, names_in
from .task import Task
from .texts import Json


def restore(task: Task) -> None:
    """Put back all of a save or one package of it. An order that was carried out is not carried out again."""
    if settle(task) == task.run or task.told.result_of(task.run).get("restored"):
        return
    what = task.order["what"]
    task.repository.open()
    snapshot, assets = task.repository.of(task.order["snapshot"])
    whole = bool(what.get("all"))
    if whole and assets:
        see_bucket(task)
    plan = _staged(task, snapshot, None if whole else part_of(what))
    plan |= {
        "do": "restore",
        "run": task.run,
        "snapshot": snapshot,
        "assetsSnapshot": assets if whole else None,
    }
    write_plan(staging(task) / PLAN, plan)
    finish(task, plan)


def part_of(what: Json) -> str:
    """The path of a package or world in the server's directory."""
    for kind, folder in KINDS.items():
        if kind in what:
            name = str(what[kind])
            if name in ("", ".", "..") or "/" in name or "\0" in name or len(name) > ID:
                raise Failed("no-such-part")
            return f"Data/{folder}/{name}"
    raise Failed("unexpected", "The order does not say what to put back.")


def _staged(task: Task, snapshot: str, part: str | None) -> Json:
    """Lay out what is to be put back, on the same file system; which moves put it in its place."""
    new = staging(task) / "new"
    new.mkdir(parents=True)
    try:
        task.repository.lay_out(snapshot, new, "files", part)
        if part is None:
            (new / NOTHING).unlink(missing_ok=True)
            moves = _moves_of_all(task.tools.data, new)
        elif os.path.lexists(new / part):
            moves = _moves_of_part(task.tools.data, part)
        else:
            raise Failed("no-such-part")
        return {**moves, "modes": modes(new, moves["in"]), **weighed(new)}
    except BaseException:
        remove(staging(task))
        raise


def _moves_of_part(data: Path, part: str) -> Json:
    """A part comes from elsewhere, so that Foundry's clean end says nothing of what is there: that goes, too."""
    for parent in Path(part).parents:
        if os.path.lexists(data / parent) and not is_directory(data / parent):
            raise Failed("unexpected", f"{parent} is no directory.")
    return {"out": [p for p in (part, CLEAN_STOP) if os.path.lexists(data / p)], "in": [part]}


def _moves_of_all(data: Path, new: Path) -> Json:
    """All that is there goes and all of the save comes, but for what no save holds."""
    out: list[str] = []
    come: list[str] = []
    opened: dict[str, list[int]] = {}
    for path in _places(data, new, ""):
        there, comes = os.path.lexists(data / path), os.path.lexists(new / path)
        if path in OPENED and there and is_directory(data / path):
            if comes:
                status = os.stat(new / path)
                opened[path] = [stat.S_IMODE(status.st_mode), status.st_mtime_ns]
            continue
        if there and (comes or os.path.dirname(path) != SIGNATURES):
            out.append(path)
        if comes:
            come.append(path)
    return {"out": out, "in": come, "opened": opened}


def _places(data: Path, new: Path, top: str) -> Iterator[str]:
    """What is to be moved below `top`; before a directory that is put back entry by entry, its entries."""
    for name in sorted({*names_in(data / top), *names_in(new / top)}):
        path = f"{top}{name}"
        if kept(path):
            continue
        if path in OPENED and is_directory(data / path):
            if os.path.lexists(new / path) and not is_directory(new / path):
                raise Failed("unexpected", f"{path} of the save is no directory.")
            yield from _places(data, new, f"{path}/")
        yield path
