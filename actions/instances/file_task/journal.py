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
from .texts import Json, is_id, parsed

PLAN = "plan.json"


def settle(task: Task) -> str:
    """Finish what an earlier task had begun to put back, or clear away what it had only laid out. Its run."""
    for place, go_on in ((staging(task), finish), (_done(task), _conclude)):
        plan = place / PLAN
        if place.is_symlink() or not plan.exists():
            continue
        found = parsed(plan.read_bytes())
        if not (is_id(found.get("run")) and is_id(found.get("upload", "none"))):
            raise Failed("unexpected", "What says how to put the files back cannot be read.")
        print("Going on with what an earlier task has begun.", flush=True)
        go_on(task, found)
        return str(found["run"])
    clear(task)
    return ""


def staging(task: Task) -> Path:
    """Where things are laid out, and the journal is."""
    return task.tools.data / KEPT_BEGINNING


def _done(task: Task) -> Path:
    """Where that is once all is in its place, until it has been told."""
    return task.tools.data / f"{KEPT_BEGINNING}-done"


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
    data, staged = task.tools.data, staging(task)
    if plan.get("assetsSnapshot"):
        _put_assets_back(task, plan["assetsSnapshot"])
    if plan.get("assets"):
        _add_assets(task, staged / "assets")
    for path in plan["out"]:
        if not os.path.lexists(staged / "old" / path):
            _move(data / path, staged / "old" / path)
    for path in plan["in"]:
        _move(staged / "new" / path, data / path)
    for path, mode in plan.get("modes", {}).items():
        os.chmod(data / path, mode)
    for path, (mode, modified) in plan.get("opened", {}).items():
        os.chmod(data / path, mode)
        os.utime(data / path, ns=(modified, modified))
    os.rename(staged, _done(task))
    _conclude(task, plan)


def _conclude(task: Task, plan: Json) -> None:
    """Tell of it. Until that is done the journal stays, as not all could be done a second time."""
    result = {"do": plan.get("do", "restore"), "run": plan["run"], "at": int(time.time())}
    if "imported" in plan:
        task.told.result({**result, "imported": plan["imported"]})
        drop_upload(task, plan["upload"])
    else:
        restored = {"files": plan["files"], "bytes": plan["bytes"]}
        task.told.result({**result, "snapshot": plan["snapshot"], "restored": restored})
    print("All files are in their places.", flush=True)
    clear(task)


def upload_of(task: Task, upload: str) -> str:
    """Where a member's upload is."""
    return f"store:{task.told.bucket}/imports/{task.told.repository}/{upload}"


def drop_upload(task: Task, upload: str) -> None:
    """It has been imported. If this fails, the bucket's own rule does it later."""
    task.tools.rclone("deletefile", "--retries=1", upload_of(task, upload))


def _move(source: Path, target: Path) -> None:
    """Nothing if it is not there any more."""
    if not os.path.lexists(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if is_directory(source) and not os.stat(source).st_mode & stat.S_IWUSR:
        os.chmod(source, 0o700)
    os.rename(source, target)


def _add_assets(task: Task, assets: Path) -> None:
    """Beside what is in the bucket, nothing of which changes."""
    progress = task.told.of_rclone("assets")
    how = ("copy", "--ignore-existing", "--use-json-log", "--verbose", "--stats=5s")
    task.tools.must(task.tools.rclone(*how, str(assets), f"store:{task.assets}", on_line=progress))


def _put_assets_back(task: Task, snapshot: str) -> None:
    """From the repository, since what an earlier task had fetched went with it. The bucket keeps its versions."""
    task.repository.open()
    shutil.rmtree(task.fetched, ignore_errors=True)
    task.repository.lay_out(snapshot, task.fetched, "assets")
    sync(task, str(task.fetched / "assets"), f"store:{task.assets}")
