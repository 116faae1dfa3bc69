"""Saves of real files at a `make run`: by restic into the emulator's S3, and back."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from local.embedded import client
from local.stack import STACK, TOP
from tests.end_to_end.files import QUICK, WITH_TOOLS, assets, contents, put_asset, saves
from tests.end_to_end.running import Run, running
from tests.end_to_end.table import WORLD, Table, made
from tests.processes import descendants

pytestmark = [pytest.mark.embedded, WITH_TOOLS]


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    with running(**QUICK) as started:
        yield started


def tasks(table: Table) -> list[dict[str, Any]]:
    """All of the table's tasks, in the order in which they were asked for."""
    ecs = client("ecs", table.run.port)
    found: list[dict[str, Any]] = []
    for desired in ("RUNNING", "STOPPED"):
        arns = ecs.list_tasks(cluster=STACK, desiredStatus=desired)["taskArns"]
        found += ecs.describe_tasks(cluster=STACK, tasks=arns)["tasks"] if arns else []
    mine = f"{STACK}_{table.item()['instanceId']['S']}"
    ours = [t for t in found if re.search(rf"/{mine}(-files)?:", t["taskDefinitionArn"])]
    return sorted(ours, key=lambda task: task["createdAt"])


def assert_one_at_a_time(table: Table) -> None:
    """No two tasks have ever been on the table's files."""
    for former, later in pairwise(tasks(table)):
        ended: datetime = former["stoppedAt"]
        assert ended <= later["createdAt"], (former, later)


def test_files_and_assets_are_put_back_as_they_were_before_a_crash(run: Run) -> None:
    table = made(run, "saved", 11)
    table.rests()
    [first] = saves(table)
    assert (first["kind"], first["clean"]) == ("after-stop", True)
    put_asset(table, "maps/the keep, süd.webp", b"a map")
    table.ask("save-now", label="Before the dragon")
    table.rests()
    before, bucket = contents(table), assets(table)
    good = saves(table)[0]
    assert (good["label"], good["files"]) == ("Before the dragon", len(before) + 1)
    assert f"Data/worlds/{WORLD}/world.json" in before
    assert [p["id"] for p in good["packages"] if p["type"] == "world"] == [WORLD]

    table.wake()
    table.comes_to("ready")
    (table.data / "Data/worlds" / WORLD / "notes.txt").write_text("written while it was played")
    put_asset(table, "maps/the keep, süd.webp", b"another map")
    put_asset(table, "maps/cellar.webp", b"a map of the cellar")
    table.goes_wrong("crash")
    table.until(table.is_stopped)
    table.rests()
    assert saves(table)[0]["clean"] is False
    assert contents(table) != before
    assert table.open_databases()

    table.ask("restore-save", saveId=good["saveId"])
    table.rests()
    assert contents(table) == before
    assert assets(table) == bucket
    assert not table.open_databases()
    kinds = [save["kind"] for save in saves(table)]
    assert kinds == ["before-restore", "after-stop", "asked-for", "after-stop"]
    table.wake()
    table.comes_to("ready")  # with its world, since that ended in order
    assert_one_at_a_time(table)


def test_a_start_ends_the_save_that_follows_a_stop(run: Run) -> None:
    table = Table(run, "hurried")
    table.make(12)
    table.ask("start-instance")
    table.comes_to("signature")
    table.ask("stop-instance")
    table.until(lambda: "runOrder" in table.item() and "taskArn" in table.item())
    assert table.ask("start-instance")["status"] == "starting"
    table.comes_to("signature")
    _, saver, _ = tasks(table)
    assert "-files:" in saver["taskDefinitionArn"]
    assert saver["stoppedReason"] == "The server is wanted"
    assert saves(table) == []
    assert_one_at_a_time(table)
    table.sleep()
    table.rests()
    assert [save["kind"] for save in saves(table)] == ["after-stop"]


def test_what_a_killed_task_has_not_done_the_next_one_does(run: Run) -> None:
    table = made(run, "killed", 13)
    table.rests()
    before, [good] = contents(table), saves(table)
    (table.data / "Data/worlds" / WORLD / "notes.txt").write_text("to be lost")
    table.ask("restore-save", saveId=good["saveId"])
    kill(table, "save")
    goes_on(table)
    kill(table, "restore", when=(table.data / ".restoring/new").exists)
    assert contents(table) != before
    goes_on(table)
    table.rests()
    assert contents(table) == before
    assert [save["kind"] for save in saves(table)] == ["before-restore", "after-stop"]
    killed = [c["exitCode"] for t in tasks(table) for c in t["containers"] if c["name"] == "files"]
    assert killed == [0, 137, 0, 137, 0]
    assert_one_at_a_time(table)


def kill(table: Table, does: str, when: Callable[[], bool] = lambda: True) -> None:
    """The program of the table's file task, which does this, as soon as it runs and is so far."""
    order = f'ORDER={{"do": "{does}"'.encode()
    found: list[int] = []

    def runs() -> bool:
        found[:] = [
            pid
            for pid in descendants(table.run.process.pid)
            if words_of(pid, "cmdline")[:2] == [b"python3", b"-c"]
            and any(each.startswith(order) for each in words_of(pid, "environ"))
        ]
        return bool(found)

    table.until(runs, every=0.05)
    table.until(when, every=0.01)
    os.kill(found[0], signal.SIGKILL)


def words_of(pid: int, which: str) -> list[bytes]:
    """The command of a process, or its environment; nothing if it has ended."""
    with suppress(OSError):
        return Path(f"/proc/{pid}/{which}").read_bytes().split(b"\0")
    return []


def goes_on(table: Table) -> None:
    """As if so much time had passed that it is tried again."""
    table.until(lambda: "tries" in table.item().get("work", {}).get("M", {}))
    table.as_if(dueAt=0)
    table.tick()


def test_a_server_is_saved_and_its_saves_are_shown_as_the_readme_says(run: Run) -> None:
    table, saved = Table(run, "123456789012345678"), []
    for command in re.findall(r"^make invoke (.+)$", (TOP / "README.md").read_text(), re.MULTILINE):
        answered = run.make_invoke(*command.split())
        assert answered.returncode == 0, answered.stderr
        answer = json.loads(answered.stdout)
        assert answer["success"], (command, answer)
        if "start-instance" in command:
            table.until(lambda: "upSince" in table.item())  # only then there is something to save
        elif "stop-instance" in command or "save-now" in command:
            table.rests()
        saved += answer.get("saves", [])
    assert [save["kind"] for save in saved] == ["asked-for", "after-stop"]
