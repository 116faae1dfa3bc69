"""A server's saves, as restic keeps them."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from .failures import Failed
from .places import KEPT, KEPT_BEGINNING, KEPT_END, NOTHING, kept
from .texts import Json, parsed
from .told import Told
from .tools import NOT_THERE, PROBLEM, Tools

_SOME_UNREAD = 3  # restic's code of a backup that lacks files
_PROBLEMS = 20  # of a check: how many are told


@dataclass(frozen=True)
class Snapshot:
    """One of restic's. `files` tells the server's directory from its assets."""

    id: str
    run: str
    files: bool


class Repository:
    """A server's saves."""

    def __init__(self, tools: Tools, told: Told) -> None:
        self.tools = tools
        self.told = told
        self.place = f"store:{told.bucket}/repositories/{told.repository}"
        self.was_interrupted = False
        self._there: list[Snapshot] | None = None

    def open(self, *, make: bool = False) -> None:
        """Find it, or `make` it, and take away what a task that died has locked: there is never another one."""
        there = self._entries()
        if "config" not in there:
            self._make(there, make)
        elif "locks/" in there:
            self.was_interrupted = True
            self.tools.must(self.tools.restic("unlock", "--remove-all"))

    def _entries(self) -> set[str]:
        ran = self.tools.rclone("lsf", self.place)
        if ran.code in NOT_THERE:
            return set()
        return set(self.tools.must(ran).out.decode(errors="replace").splitlines())

    def _make(self, there: set[str], make: bool) -> None:
        """A making that died has left keys and no more. With anything else there, its config has been lost."""
        if there - {"keys/"}:
            raise Failed("damaged", "What names the repository is gone.")
        if not make:
            raise Failed("no-repository")
        if there:
            self.tools.must(self.tools.rclone("purge", self.place))
        self.tools.must(self.tools.restic("init"))

    def snapshots(self) -> list[Snapshot]:
        """All of them, the oldest first; asked for once, as nobody else is here."""
        if self._there is None:
            ran = self.tools.must(self.tools.restic("snapshots", "--json"))
            found = sorted(json.loads(ran.out) or [], key=lambda snapshot: str(snapshot["time"]))
            self._there = [_snapshot(snapshot) for snapshot in found]
        return list(self._there)

    def of(self, snapshot: object) -> tuple[str, str | None]:
        """The save of that snapshot: it, and that of its assets, if there is one."""
        there = self.snapshots()
        files = next((s for s in there if s.files and s.id == snapshot), None)
        if files is None:
            raise Failed("no-such-save")
        return files.id, next((s.id for s in there if not s.files and s.run == files.run), None)

    def add(self, directory: Path, *, files: bool) -> Json:
        """Save a directory, whose tree is the snapshot's whatever the directory is called; restic's summary.

        What has not changed since the newest is not read.
        """
        kind = "files" if files else "assets"
        before = self.snapshots()
        since = [s.id for s in before if s.files is files][-1:]
        parent = [f"--parent={name}" for name in since]
        # Of what came out of the bucket a moment ago, only size and time say whether it has changed.
        changes = [] if files else ["--ignore-inode", "--ignore-ctime"]
        empty = files and not any(not kept(name) for name in os.listdir(directory))
        what = ["--stdin", f"--stdin-filename={NOTHING}"] if empty else [*changes, *parent, "."]
        self._there = None  # whatever comes of it
        summary: Json = {}
        progress = self.told.of_restic(kind)

        def take(line: bytes) -> None:
            progress(line)
            if (said := parsed(line)).get("message_type") == "summary":
                summary.update(said)

        ran = self.tools.restic(
            "backup",
            "--json",
            "--host=foundry",
            f"--tag=run:{self.told.run},{kind}",
            *(f"--exclude={pattern}" for pattern in _left_out(directory)),
            *what,
            cwd=directory,
            given=b"\n" if empty else b"",
            on_line=take,
        )
        if ran.code == _SOME_UNREAD:
            raise Failed("unreadable")
        self.tools.must(ran)
        new = self._whole_id(str(summary["snapshot_id"]))
        self._there = [*before, Snapshot(new, self.told.run, files)]
        return {**summary, "snapshot_id": new}

    def _whole_id(self, beginning: str) -> str:
        """restic 0.14 says only how an id begins."""
        listed = self.tools.must(self.tools.rclone("lsf", f"{self.place}/snapshots")).out.decode()
        return next(name for name in listed.split() if name.startswith(beginning))

    def lay_out(self, snapshot: str, target: Path, step: str, only: str | None = None) -> None:
        """Restore a snapshot, or one path of it, into a directory of its own, and verify what was written."""
        include = [f"--include=/{_literally(only)}"] if only else []
        self.told.progress(step)
        ran = self.tools.restic(
            "restore",
            snapshot,
            "--json",
            "--verify",
            f"--target={target}",
            *include,
            on_line=self.told.of_restic(step),
        )
        self.tools.must(ran)

    def bytes(self) -> int:
        """What it weighs."""
        ran = self.tools.must(self.tools.rclone("size", "--json", self.place))
        return int(parsed(ran.out)["bytes"])

    def forget(self, snapshots: Sequence[Snapshot]) -> None:
        """Remove snapshots, and what nothing needs any more; also what a save that died has left."""
        if snapshots:
            self._there = None
            self.tools.must(self.tools.restic("forget", *(s.id for s in snapshots)))
        if snapshots or self.was_interrupted:
            self.told.progress("prune")
            self.tools.must(self.tools.restic("prune"))

    def check(self, part: str) -> list[str]:
        """Read a part ("3/8") of all data, and all that leads to it: what is wrong, in restic's words."""
        self.told.progress("check")
        ran = self.tools.restic("check", f"--read-data-subset={part}")
        if not ran.code:
            return []
        failure = self.tools.failure(ran)
        if failure.word not in ("damaged", "unexpected"):
            raise failure
        lines = [line.strip() for line in ran.said.splitlines() if line.strip()]
        return [self.tools.hide(line)[:PROBLEM] for line in lines[:_PROBLEMS]] or ["unknown"]


def _snapshot(found: Json) -> Snapshot:
    tags = found.get("tags") or []
    run = next((tag[4:] for tag in tags if tag.startswith("run:")), "")
    return Snapshot(found["id"], run, "assets" not in tags)


def _literally(path: str) -> str:
    """A path as a pattern of restic's."""
    return re.sub(r"([\\*?\[\]])", r"\\\1", path)


def _left_out(directory: Path) -> list[str]:
    """What is not saved, as patterns: whole paths, since `Config/admin.txt` alone would fit at any depth."""
    top = _literally(str(directory))
    return [f"{top}/{name}" for name in (*KEPT, f"{KEPT_BEGINNING}*", f"Config/*{KEPT_END}")]
