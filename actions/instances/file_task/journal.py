"""What is put into a server's directory: laid out beside it, then moved by a journal."""

from __future__ import annotations

import json
import os
import shutil
import stat
import time
from collections.abc import Sequence
from pathlib import Path

from .failures import Failed
from .places import KEPT_BEGINNING, is_directory
from .task import Task, sync
from .texts import Json, parsed

PLAN = "plan.json"


def settle(task: Task) -> str:
    """Finish what an earlier task had begun to put back, or clear away what it had only laid out. Its run."""
    plan = staging(task) / PLAN
    if staging(task).is_symlink() or not plan.exists():
        clear(task)
        return ""
    found = parsed(plan.read_bytes())
    if not found:
        raise Failed("unexpected", "What says how to put the files back cannot be read.")
    print("Going on with what an earlier task has begun.", flush=True)
    finish(task, found)
    return str(found["run"])


def staging(task: Task) -> Path:
    """Where things are laid out, and the journal is."""
    return task.tools.data / KEPT_BEGINNING


def clear(task: Task) -> None:
    """Nothing of it stays."""
    for entry in task.tools.data.glob(f"{KEPT_BEGINNING}*"):
        remove(entry)


def remove(path: Path) -> None:
    """Also directories that their owner may not write to, as some archives have them."""
    if not is_directory(path):
        path.unlink()
        return
    path.chmod(0o700)
    for directory, names, _ in os.walk(path):
        for below in (os.path.join(directory, name) for name in names):
            if not os.path.islink(below):
                os.chmod(below, 0o700)
    shutil.rmtree(path)


def see_bucket(task: Task) -> None:
    """Before anything changes: what is there to be put back has somewhere to go."""
    task.tools.must(task.tools.rclone("lsf", f"store:{task.assets}"))


def modes(new: Path, paths: Sequence[str]) -> dict[str, int]:
    """Directories that cannot be moved as they are: a directory that moves is written to."""
    found = {p: os.lstat(new / p).st_mode for p in paths}
    return {
        p: stat.S_IMODE(m) for p, m in found.items() if stat.S_ISDIR(m) and not m & stat.S_IWUSR
    }


def weighed(new: Path) -> Json:
    """How many files there are below a directory, and their bytes."""
    files = size = 0
    for directory, _, names in os.walk(new):
        for name in names:
            status = os.lstat(os.path.join(directory, name))
            files += stat.S_ISREG(status.st_mode)
            size += status.st_size if stat.S_ISREG(status.st_mode) else 0
    return {"files": files, "bytes": size}


def write_plan(path: Path, plan: Json) -> None:
    """The point of no return: there once the name is. Names that are no text survive as JSON's escapes."""
    written = path.with_name(f"{path.name}.new")
    with open(written, "w", encoding="ascii") as file:
        json.dump(plan, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(written, path)
    directory = os.open(path.parent, os.O_RDONLY)
    os.fsync(directory)
    os.close(directory)


def finish(task: Task, plan: Json) -> None:
    """Each step may be repeated, whatever an earlier task that died has done of it."""
    if plan["assetsSnapshot"]:
        _put_assets_back(task, plan["assetsSnapshot"])
    data, staged = task.tools.data, staging(task)
    for path in plan["out"]:
        if not os.path.lexists(staged / "old" / path):
            _move(data / path, staged / "old" / path)
    for path in plan["in"]:
        _move(staged / "new" / path, data / path)
    for path, mode in plan["modes"].items():
        os.chmod(data / path, mode)
    for path, (mode, modified) in plan.get("opened", {}).items():
        os.chmod(data / path, mode)
        os.utime(data / path, ns=(modified, modified))
    os.rename(staged, data / f"{KEPT_BEGINNING}-done")
    restored = {"files": plan["files"], "bytes": plan["bytes"]}
    result = {"do": "restore", "run": plan["run"], "snapshot": plan["snapshot"]}
    task.told.result({**result, "restored": restored, "at": int(time.time())})
    print(f"Put back {plan['files']} files.", flush=True)
    clear(task)


def _move(source: Path, target: Path) -> None:
    """Nothing if it is not there any more."""
    if not os.path.lexists(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if is_directory(source) and not os.stat(source).st_mode & stat.S_IWUSR:
        os.chmod(source, 0o700)
    os.rename(source, target)


def _put_assets_back(task: Task, snapshot: str) -> None:
    """From the repository, since what an earlier task had fetched went with it. The bucket keeps its versions."""
    task.repository.open()
    shutil.rmtree(task.fetched, ignore_errors=True)
    task.repository.lay_out(snapshot, task.fetched, "assets")
    sync(task, str(task.fetched / "assets"), f"store:{task.assets}")
