"""Export."""

from __future__ import annotations

import os
import shutil
import time
import zipfile
from pathlib import Path

from .failures import Failed
from .places import NOTHING
from .restoring import part_of
from .task import Task


def export(task: Task) -> None:
    """A zip of all of a save, or of one package of it, in the bucket, where its member may be let have it."""
    what = task.order["what"]
    part = None if what.get("all") else part_of(what)
    task.repository.open()
    snapshot, assets = task.repository.of(task.order["snapshot"])
    laid_out, archive = task.tools.scratch / "export", task.tools.scratch / "export.zip"
    shutil.rmtree(laid_out, ignore_errors=True)
    task.repository.lay_out(snapshot, laid_out / "data", "files", part)
    if part and not os.path.lexists(laid_out / "data" / part):
        raise Failed("no-such-part")
    (laid_out / "data" / NOTHING).unlink(missing_ok=True)
    if part is None and assets:
        task.repository.lay_out(assets, laid_out, "assets")
    files = _zipped(task, laid_out, archive)
    place = f"store:{task.told.bucket}/exports/{task.told.repository}/{task.run}.zip"
    up = task.tools.rclone("copyto", str(archive), place, on_line=task.told.of_rclone("upload"))
    task.tools.must(up)
    exported = {"files": files, "bytes": archive.stat().st_size}
    result = {"do": "export", "run": task.run, "snapshot": snapshot, "exported": exported}
    task.told.result({**result, "at": int(time.time())})
    print(f"Exported {files} files.", flush=True)


def _zipped(task: Task, root: Path, archive: Path) -> int:
    """Pack all plain files below a directory; how many. Links are left out: where they lead, is not in the zip."""
    paths = [Path(d, name) for d, _, names in os.walk(root) for name in names]
    files = [path for path in paths if path.is_file() and not path.is_symlink()]
    with zipfile.ZipFile(
        archive, "w", zipfile.ZIP_DEFLATED, compresslevel=1, strict_timestamps=False
    ) as packed:
        for done, path in enumerate(files):
            task.told.progress("zip", files=done, totalFiles=len(files))
            packed.write(path, os.fsencode(path.relative_to(root)).decode(errors="replace"))
    return len(files)
