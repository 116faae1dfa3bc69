"""A file task on this machine: directories for its volumes, S3 over HTTP, and the program really run."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

from actions.instances.file_definition import program
from tests.file_task.object_store import KEY, SECRET, Store

PROGRAM = program()
MISSING = [tool for tool in ("restic", "rclone") if not shutil.which(tool)]
PASSWORD = "a-password-that-nobody-may-see"
WORLD = "Data/worlds/dragon"
LONG_AGO = 10**18 + 123_456_789  # nanoseconds since 1970
Tree = dict[bytes, tuple[Any, ...]]


class Computer:
    """One member's files and bucket, and the tasks that save them and put them back."""

    def __init__(self, root: Path, store: Store, repository: str = "") -> None:
        self.root, self.store = root, store
        self.repository = repository or uuid.uuid4().hex
        self.assets = f"assets-{self.repository}"
        self.data, self.scratch = root / "data", root / "scratch"
        self.data.mkdir(parents=True)
        store.buckets.setdefault("saves", {})
        store.buckets[self.assets] = {}

    @property
    def environment(self) -> dict[str, str]:
        """What the task definition and RunTask would give it, but for the order."""
        return {
            "PATH": os.environ["PATH"],
            "DATA": str(self.data),
            "SCRATCH": str(self.scratch),
            "TOOLS": str(self.root / "tools"),
            "RESTIC_REPOSITORY": f"s3:{self.store.endpoint}/saves/repositories/{self.repository}",
            "RESTIC_PASSWORD": PASSWORD,
            "S3_ENDPOINT": self.store.endpoint,
            "AWS_REGION": "us-east-1",
            "BUCKET": "saves",
            "REPOSITORY": self.repository,
            "ASSETS": self.assets,
            "AWS_ACCESS_KEY_ID": KEY,
            "AWS_SECRET_ACCESS_KEY": SECRET,
            "TMPDIR": str(self.scratch),  # which is empty for each task, however the last one ended
        }

    def start(
        self, order: dict[str, Any], program: str = PROGRAM, **variables: str
    ) -> subprocess.Popen[str]:
        """A task in a group of its own, whose scratch directory is empty, as ECS has it."""
        shutil.rmtree(self.scratch, ignore_errors=True)
        self.scratch.mkdir()
        return subprocess.Popen(
            [sys.executable, "-c", program],
            env=self.environment | {"ORDER": json.dumps(order)} | variables,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def call(self, order: dict[str, Any], **variables: str) -> tuple[int, dict[str, Any], str]:
        """A task's exit code, result and log."""
        task = self.start(order, **variables)
        log, _ = task.communicate(timeout=120)
        return task.returncode, self.result(order["run"]), log

    def tool(self, name: str, before: str = "", after: str = "exit $code") -> None:
        """What the task has instead of a tool: a shell that does something before and after the real one."""
        path = self.root / "tools" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(f'#!/bin/sh\n{before}\n{shutil.which(name)} "$@"\ncode=$?\n{after}\n')
        path.chmod(0o755)

    def refused(self, order: dict[str, Any], **variables: str) -> str:
        """How the failure of an order is called; nothing of what is there has changed."""
        before, bucket = self.tree(), self.bucket()
        code, result, log = self.call(order, **variables)
        assert code == 1, log
        assert set(result) == {"do", "run", "failed", "begun", "message"}, log
        assert result["begun"] is False
        assert (self.tree(), self.bucket()) == (before, bucket)
        assert not list(self.data.glob(".restoring*"))
        return result["failed"]

    def result(self, run: str) -> dict[str, Any]:
        """What is written of a run; empty if nothing is."""
        found = self.store.buckets["saves"].get(f"results/{self.repository}/{run}.json")
        return json.loads(found.body) if found else {}

    def call_raw(self, order: str) -> tuple[int, str]:
        """A task's exit code and log, whatever its order is."""
        task = self.start({}, ORDER=order)
        log, _ = task.communicate(timeout=120)
        return task.returncode, log

    def save(self, run: str = "", **order: Any) -> dict[str, Any]:
        """A save that succeeds."""
        given = {"do": "save", "run": run or uuid.uuid4().hex, "kind": "after-stop"}
        code, result, log = self.call(given | {"forget": [], "check": None} | order)
        assert (code, "afterwards" in result) == (0, False), log
        return result

    def restore(self, save: dict[str, Any], run: str = "", **what: Any) -> dict[str, Any]:
        """A restore that succeeds."""
        code, result, log = self.call(self.order_to_restore(save, run, **what))
        assert code == 0, log
        return result

    def order_to_restore(self, save: dict[str, Any], run: str = "", **what: Any) -> dict[str, Any]:
        """All of a save, or what is named."""
        given = {"do": "restore", "run": run or uuid.uuid4().hex, "snapshot": save["snapshot"]}
        return given | {"what": what or {"all": True}}

    def write(self, name: str, content: str | bytes = "", mode: int = 0o644) -> Path:
        """A file in the server's directory."""
        path = self.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        path.chmod(mode)
        return path

    def furnish(self) -> None:
        """What there is after an evening: two packages, a world, what Foundry and the platform keep in Config."""
        self.write("Config/options.json", "{}", 0o600)
        self.write("Config/clean-stop", "13.351\n")
        self.write("Config/license.json", '{"license": "AAAA"}')
        self.write("Config/admin.txt", "hash")
        self.write("Config/signatures/one.json", "{}")
        self.write("container_cache/release.zip", b"zip")
        self.write(f"{WORLD}/world.json", '{"title": "Dragon", "system": "dnd5e"}')
        self.write(f"{WORLD}/data/actors/000.ldb", os.urandom(200_000))
        self.write("Data/modules/dice/module.json", '{"title": "Dice", "version": "1"}')
        self.write("Data/systems/dnd5e/system.json", '{"title": "5e", "version": "5.3.3"}')
        self.write("Logs/debug.log", "a line\n")
        for place in (f"{WORLD}/data", WORLD, "Data", "Config"):
            os.utime(self.data / place, ns=(LONG_AGO, LONG_AGO))
        self.store.put(self.assets, "maps/a map.webp", b"map")

    def play(self) -> None:
        """An evening more: what is there changes, something comes and something goes."""
        self.write(f"{WORLD}/data/actors/000.ldb", b"changed")
        self.write("Data/worlds/another/world.json", "{}")
        self.write("Config/options.json", '{"language": "de"}')
        self.write("Logs/debug.log", "b line\n")
        shutil.rmtree(self.data / "Data/modules/dice")
        self.store.put(self.assets, "maps/a map.webp", b"pam")
        self.store.put(self.assets, "maps/another.webp", b"map")

    def tree(self, below: str = "") -> Tree:
        """All that can be seen of the files: kinds, modes, moments of change and bytes."""
        top = os.fsencode(self.data / below)
        found: Tree = {}
        for directory, names, files in os.walk(top):
            names[:] = [name for name in names if not name.startswith(b".restoring")]
            for name in (*names, *files):
                path = os.path.join(directory, name)
                found[os.path.relpath(path, top)] = _seen(path)
        return found

    def snapshots(self) -> list[str]:
        """The ids of all there are in the repository."""
        found = self.store.keys("saves", f"repositories/{self.repository}/snapshots/")
        return [key.rpartition("/")[2] for key in found]

    def bucket(self) -> dict[str, bytes]:
        """The member's assets."""
        return {key: found.body for key, found in self.store.buckets[self.assets].items()}

    def restic(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """restic on the repository, as an operator would run it."""
        return subprocess.run(
            ["restic", "--no-cache", *arguments],
            env={"PATH": os.environ["PATH"], "HOME": str(self.root), **self.environment},
            text=True,
            capture_output=True,
            timeout=120,
            check=False,
        )


def _seen(path: bytes) -> tuple[Any, ...]:
    status = os.lstat(path)
    mode, modified = status.st_mode, status.st_mtime_ns
    if stat.S_ISLNK(mode):
        return "link", os.readlink(path)
    if stat.S_ISREG(mode):
        return "file", stat.S_IMODE(mode), modified, Path(os.fsdecode(path)).read_bytes()
    return stat.S_IFMT(mode), stat.S_IMODE(mode), modified
