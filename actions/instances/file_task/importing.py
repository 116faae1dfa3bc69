"""What a member has uploaded: looked into (inspect), or taken into their server (import).

An archive is read twice: to its end before anything is laid out, then to lay out what comes. What comes is moved to
its place by a journal, as what is put back is, and nothing that is there goes for it.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import stat
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .archives import Entry, entries
from .contents import Contents, survey
from .failures import Failed, Refused
from .inventory import fitting
from .journal import (
    PLAN,
    drop_upload,
    finish,
    remove,
    see_bucket,
    settle,
    staging,
    upload_of,
    write_plan,
)
from .layout import ASSETS, Layout, arrange
from .places import CLEAN_STOP, kept
from .task import Task
from .texts import Json, parsed
from .tools import NOT_THERE

_MOST_BYTES = 50_000_000_000  # of an archive, unpacked, where no quota says less


def inspect(task: Task) -> None:
    """Say what an upload holds, and what would become of it here."""
    settle(task)
    with _room():
        _, _, contents, layout = _looked_into(task)
    inspected = {**_counts(contents, layout), "loose": layout.loose, "missing": layout.missing}
    result = {"do": "inspect", "run": task.run, "at": int(time.time()), "inspected": inspected}
    task.told.result(result)
    print(f"Looked into {len(contents.files)} files.", flush=True)


def import_(task: Task) -> None:
    """Take what an upload holds. An order that was carried out is not carried out again."""
    upload = _upload(task)
    if settle(task) == task.run:
        return
    if task.told.result_of(task.run).get("imported"):
        drop_upload(task, upload)
        return
    with _room():
        archive, most, contents, layout = _looked_into(task)
        if layout.assets:
            see_bucket(task)
        counts = _counts(contents, layout)
        if shutil.disk_usage(task.tools.data).free < counts["bytes"]:
            raise Refused("too-big", "There is not enough room for it.")
        try:
            _lay_out(task, archive, most, counts, layout)
        except BaseException:
            remove(staging(task))
            raise
    come = _come(task.tools.data, layout)
    out = [CLEAN_STOP] if come and os.path.lexists(task.tools.data / CLEAN_STOP) else []
    plan: Json = {"do": "import", "run": task.run, "upload": upload, "imported": counts}
    plan |= {"out": out, "in": come, "assets": layout.assets}
    write_plan(staging(task) / PLAN, plan)
    finish(task, plan)


@contextmanager
def _room() -> Iterator[None]:
    """Before anything changes: what the disk has no room for is too big."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise Refused("too-big", "There is not enough room for it.") from error


def _upload(task: Task) -> str:
    upload = str(task.order.get("upload"))
    if not re.fullmatch(r"[A-Za-z0-9-]{1,64}", upload):
        raise Refused("no-such-upload")
    return upload


def _looked_into(task: Task) -> tuple[Path, int, Contents, Layout]:
    """The archive, how many bytes of it there is room for, and what it holds."""
    archive = _fetched(task, upload_of(task, _upload(task)))
    most = _allowed(task)

    def tell(files: int, size: int) -> None:
        task.told.progress("inspect", files=files, bytes=size)

    contents = survey(archive, most, tell)
    return archive, most, contents, arrange(contents, task.tools.data)


def _fetched(task: Task, place: str) -> Path:
    archive = task.tools.scratch / "upload"
    said = task.tools.rclone("lsjson", "--stat", place)
    found = {} if said.code in NOT_THERE else parsed(task.tools.must(said).out)
    if found.get("IsDir", True):  # as it says of what is not there, too
        raise Refused("no-such-upload")
    if shutil.disk_usage(task.tools.scratch).free < found["Size"]:
        raise Refused("too-big", "There is not enough room for it.")
    how = ("copyto", "--use-json-log", "--verbose", "--stats=5s", place, str(archive))
    try:
        task.tools.must(task.tools.rclone(*how, on_line=task.told.of_rclone("fetch")))
    except Failed as failure:
        if failure.word == "no-space":
            raise Refused("too-big", "There is not enough room for it.") from failure
        raise
    if not archive.exists():
        raise Refused("no-such-upload")
    return archive


def _allowed(task: Task) -> int:
    """What a quota leaves beside the files that are here and in the bucket."""
    quota = task.order.get("quota")
    if quota is None:
        return _MOST_BYTES
    ran = task.tools.rclone("size", "--json", f"store:{task.assets}")
    assets = 0 if ran.code in NOT_THERE else int(parsed(task.tools.must(ran).out)["bytes"])
    return max(0, int(quota) - assets - sum(_sizes(task.tools.data)))


def _sizes(data: Path) -> Iterator[int]:
    """Of all files that a save would hold."""
    for directory, names, files in os.walk(data):
        top = os.path.relpath(directory, data)
        paths = {name: os.path.normpath(os.path.join(top, name)) for name in (*names, *files)}
        names[:] = [name for name in names if not kept(paths[name])]
        for name in files:
            status = os.lstat(data / paths[name])
            if stat.S_ISREG(status.st_mode) and not kept(paths[name]):
                yield status.st_size


def _counts(contents: Contents, layout: Layout) -> Json:
    """Of what comes: the rest is here already, or nobody's."""
    return {
        "files": len(layout.targets),
        "bytes": sum(contents.files[path].size for path in layout.targets),
        "assets": layout.assets,
        "renamedFiles": layout.renamed_files,
        "packages": fitting(layout.packages),
    }


# --- import ------------------------------------------------------------------------------------------


def _lay_out(task: Task, archive: Path, most: int, counts: Json, layout: Layout) -> None:
    """What an archive says of modes is not asked for: files and directories are their owner's to write."""
    os.umask(0o022)
    top = staging(task)
    for directory in ("new", ASSETS, *(f"new/{path}" for path in layout.directories)):
        (top / directory).mkdir(parents=True, exist_ok=True)
    files = size = 0
    for entry in entries(archive, most):
        target = layout.targets.get(entry.path)
        if entry.is_directory or target is None:
            continue
        totals = {"totalFiles": counts["files"], "totalBytes": counts["bytes"]}
        task.told.progress("unpack", files=files, bytes=size, **totals)
        size += _write(_laid_out(top, target), entry)
        files += 1
    for manifest, (old, new) in layout.renamed.items():
        _rename(top / "new" / manifest, old, new)


def _laid_out(top: Path, target: str) -> Path:
    return top / target if target.startswith(f"{ASSETS}/") else top / "new" / target


def _write(place: Path, entry: Entry) -> int:
    place.parent.mkdir(parents=True, exist_ok=True)
    with open(place, "wb") as file:
        size = sum(file.write(chunk) for chunk in entry.content)
    if entry.modified:
        os.utime(place, (entry.modified, entry.modified))
    return size


def _rename(manifest: Path, old: str, new: str) -> None:
    """A world is what its manifest says, and lies in a directory of that name."""
    said = parsed(manifest.read_bytes())
    names = {key: new for key in ("id", "name") if said.get(key) == old}
    if names:
        text = json.dumps(said | names, ensure_ascii=False, indent=2)
        manifest.write_bytes(text.encode(errors="replace"))


def _come(data: Path, layout: Layout) -> list[str]:
    """What is moved: of each that comes, the first directory on its way that is not here, or itself."""
    paths: Iterable[str] = (*layout.directories, *layout.targets.values())
    return sorted({_first_new(data, path) for path in paths if not path.startswith(f"{ASSETS}/")})


def _first_new(data: Path, path: str) -> str:
    parts = path.split("/")
    ways = ("/".join(parts[:number]) for number in range(1, len(parts) + 1))
    return next(way for way in ways if not os.path.lexists(data / way))
