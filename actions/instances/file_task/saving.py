"""Save."""

from __future__ import annotations

import re
import time
from contextlib import suppress

from .failures import Failed
from .inventory import inventory
from .journal import settle
from .task import Task, fetch_assets
from .texts import Json


def save(task: Task) -> None:
    """Save, tell, and only then tidy up: what goes wrong by then does not undo the save."""
    settle(task)
    task.repository.open(make=True)
    result = task.told.result_of(task.run)
    if not result.get("snapshot"):
        result = _saved_whole(task)
        print(f"Saved {result['files']} files.", flush=True)
    try:
        result["forgot"] = _forget(task, result)
        result["checked"] = _check(task)
        result["repositoryBytes"] = task.repository.bytes()
    except Failed as failure:
        result["afterwards"] = {"failed": failure.word, "message": str(failure)}
    with suppress(Failed):  # what was told of the save itself is there
        task.told.result(result)


def _saved_whole(task: Task) -> Json:
    """A save that lacks anything is none."""
    try:
        result = _saved(task)
        task.told.result(result)
    except Failed:
        with suppress(Failed):  # else the next save does it
            left = [s for s in task.repository.snapshots() if s.run == task.run]
            task.repository.forget(left)
        raise
    return result


def _saved(task: Task) -> Json:
    assets = task.repository.add(task.fetched, files=False) if fetch_assets(task) else None
    files = task.repository.add(task.tools.data, files=True)
    both = [files, assets] if assets else [files]

    def total(*names: str) -> int:
        return sum(next((int(s[name]) for name in names if name in s), 0) for s in both)

    return {
        "do": "save",
        "run": task.run,
        "snapshot": files["snapshot_id"],
        "assetsSnapshot": assets["snapshot_id"] if assets else None,
        "at": int(time.time()),
        "bytes": total("total_bytes_processed"),
        "addedBytes": total("data_added_packed", "data_added"),
        "files": total("total_files_processed"),
        **inventory(task.tools.data),
        "repositoryBytes": None,
        "forgot": [],
        "checked": None,
    }


def _forget(task: Task, result: Json) -> list[str]:
    """Forget what was ordered and what no result names, but nothing to be kept; which of the ordered are gone.

    A result goes before its snapshots, so that none ever names what is not there.
    """
    wanted, kept = ({str(name) for name in task.order.get(key) or []} for key in ("forget", "keep"))
    there = task.repository.snapshots()
    going = {s.run for s in there if s.id in wanted} - {task.run}
    staying = {s.run for s in there if s.id in kept} - going
    results = task.told.results_of({s.run for s in there} - going - {task.run})
    named = {
        r.get(key) for r in (*results.values(), result) for key in ("snapshot", "assetsSnapshot")
    }
    for run in sorted(going):
        task.told.remove_result(run)
    left = [s for s in there if s.id not in named and s.run not in staying]
    task.repository.forget(left)
    return sorted(wanted - ({s.id for s in there} - {s.id for s in left}))


def _check(task: Task) -> Json | None:
    part = str(task.order.get("check") or "")
    if not re.fullmatch(r"[0-9]{1,3}/[0-9]{1,3}", part):
        return None
    return {"part": part, "problems": task.repository.check(part)}
