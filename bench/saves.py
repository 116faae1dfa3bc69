"""What saves take, beside `tar | gzip` to a file and a plain copy by rclone to the same S3, in turns.

The program of the tasks is really run, on directories whose content comes from a seed: text as worlds are kept in,
and media, which nothing makes smaller. S3 is that of the tests, in memory and on this machine, so what a network
adds is in no figure; what is read was just written, so it comes from memory. FILES_MB=200 makes 200 MB of small
files and ten times as much of big ones, as a large server has; FILES_MB=30,100 says both.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, cast

from actions.instances.file_task.tools import Tools
from actions.instances.retention import expendable
from bench.report import progress
from services.saves import Save
from tests.file_task import object_store
from tests.file_task.computer import MISSING, Computer

ROUNDS = 3
DEFAULT = "50"
CHANGING = 0.01  # the share of files that an evening changes
EVENINGS, DAYS_BETWEEN, EVENINGS_MB = 30, 7, 8
KEPT = (5, 4, 6)  # SavesKept, as the template has it
COPIES = "copies"  # rclone's bucket

_MONDAY = 1_767_600_000  # 5 January 2026: the first evening
_SYLLABLES = (
    "al an ar bel cor da dra el en fen gor ha ir ka lo mar na or pe qua ri sha tor ul ven wy xan zo"
)


@dataclass(frozen=True)
class Kind:
    """Files of one kind: how many, which share of them is text, and how many bytes they have together."""

    name: str
    count: int
    texts: float
    size: int


@dataclass(frozen=True)
class Took:
    """Seconds of a save or a restore, and of the same by tar and gzip and by rclone."""

    ours: float
    tar: float
    copy: float


@dataclass(frozen=True)
class Measured:
    """Medians of one kind's steps; what a first save and a tar.gz weigh, as shares of the files."""

    kind: Kind
    steps: dict[str, Took]
    stored: float
    packed: float


@dataclass(frozen=True)
class Evenings:
    """After many evenings: how many saves there are, and what they weigh as multiples of the files.

    `packed` is what as many tar.gz would weigh, and `seconds` what an evening's save took, a median.
    """

    saves: int
    stored: float
    packed: float
    seconds: float


def measure() -> list[Measured]:
    """Save and restore both kinds of files, several times over; nothing where a tool is missing."""
    if MISSING:
        return []
    small, _, big = os.environ.get("FILES_MB", DEFAULT).partition(",")
    sizes = float(small), float(big or float(small) * 10)
    return [_measured(kind) for kind in _kinds(*sizes)]


def evenings() -> Evenings | None:
    """Play one evening a week, each with a save, which forgets what need not be kept any more."""
    return None if MISSING else _evenings()


def _kinds(small: float, big: float) -> list[Kind]:
    return [
        Kind("many small files", round(small * 50), 0.8, round(small * 1e6)),
        Kind("few big files", 100, 0.2, round(big * 1e6)),
    ]


@dataclass
class Files:
    """A server's directory."""

    top: Path
    kinds: list[Kind]
    chances: Random = field(default_factory=lambda: Random(1))  # noqa: S311 - always the same files

    def make(self) -> None:
        """Write all files."""
        for path, kind in self._all():
            self._write(path, kind)

    def play(self) -> None:
        """An evening: some files of each kind, at least one, have other content afterwards."""
        for kind in self.kinds:
            there = [path for path, of in self._all() if of is kind]
            for path in self.chances.sample(there, max(1, round(kind.count * CHANGING))):
                self._write(path, kind)

    def _all(self) -> Iterator[tuple[Path, Kind]]:
        for kind in self.kinds:
            world = self.top / "Data/worlds" / kind.name.replace(" ", "-")
            for number in range(kind.count):
                suffix = "json" if number % 100 < kind.texts * 100 else "webp"
                yield world / f"{number // 100:03}/{number:05}.{suffix}", kind

    def _write(self, path: Path, kind: Kind) -> None:
        size = round(kind.size / kind.count * self.chances.uniform(0.5, 1.5))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            self._text(size) if path.suffix == ".json" else self.chances.randbytes(size)
        )

    def _text(self, size: int) -> bytes:
        """Documents one after the other, as Foundry keeps them: ids that nothing makes smaller, and words."""
        records: list[bytes] = []
        left = size
        while left > 0:
            records.append(self._record())
            left -= len(records[-1])
        return b"".join(records)[:size]

    def _record(self) -> bytes:
        chances = self.chances
        name = " ".join(chances.choices(_WORDS, k=2)).title()
        record = {
            "_id": f"{chances.getrandbits(64):016x}",
            "name": name,
            "type": chances.choice(("npc", "character", "spell", "weapon", "loot")),
            "img": f"systems/dnd5e/icons/{chances.choice(_WORDS)}.webp",
            "system": {
                "attributes": {"hp": {"value": chances.randrange(300), "max": 300, "temp": None}},
                "abilities": {
                    a: {"value": chances.randrange(3, 20), "proficient": 0} for a in _SIX
                },
                "description": {
                    "value": f"<p>{' '.join(chances.choices(_WORDS, _RARER, k=60))}</p>"
                },
            },
            "ownership": {"default": 0, f"{chances.getrandbits(64):016x}": 3},
            "_stats": {
                "coreVersion": "13.351",
                "modifiedTime": chances.randrange(10**12, 2 * 10**12),
            },
        }
        return json.dumps(record).encode() + b"\n"


def _words() -> list[str]:
    chances, syllables = Random(2), _SYLLABLES.split()  # noqa: S311
    return ["".join(chances.choices(syllables, k=chances.randint(1, 4))) for _ in range(3000)]


_WORDS = _words()
_RARER = [1 / (rank + 10) for rank in range(len(_WORDS))]  # as words of a language are
_SIX = ("str", "dex", "con", "int", "wis", "cha")


def _measured(kind: Kind) -> Measured:
    with TemporaryDirectory() as root, object_store.serving() as store:
        computer = Computer(Path(root) / "server", store)
        files = Files(computer.data, [kind])
        progress(f"Saves: writing {kind.name}, {kind.size / 1e6:.0f} MB ...")
        files.make()
        lives, shares = [], []
        for number in range(ROUNDS):
            progress(f"Saves of {kind.name}: {number + 1} of {ROUNDS} ...")
            life = _Life(Path(root), computer, files)
            lives.append(life.live())
            shares.append(life.shares)
    steps = {name: _medians([life[name] for life in lives]) for name in lives[0]}
    stored, packed = (median(found) for found in zip(*shares, strict=True))
    return Measured(kind, steps, stored, packed)


def _medians(took: list[Took]) -> Took:
    return Took(*(median(getattr(each, way) for each in took) for way in ("ours", "tar", "copy")))


class _Life:
    """One repository from its first save to a restore, with a tar.gz and a copy of the same."""

    def __init__(self, root: Path, computer: Computer, files: Files) -> None:
        self.computer, self.files = computer, files
        computer.repository = uuid.uuid4().hex
        for bucket in ("saves", COPIES):
            computer.store.buckets[bucket] = {}
        self.tools = Tools(computer.environment)
        self.archive, self.empty = root / "files.tar.gz", root / "empty"
        self.saved: dict[str, Any] = {}
        self.shares = (0.0, 0.0)

    def live(self) -> dict[str, Took]:
        """All steps."""
        steps = {"first save": self._kept()}
        size = self.saved["bytes"]
        self.shares = self.saved["repositoryBytes"] / size, self.archive.stat().st_size / size
        steps["save without a change"] = self._kept()
        self.files.play()
        steps["save after an evening"] = self._kept()
        steps["restore of all"] = self._put_back()
        return steps

    def _kept(self) -> Took:
        data = str(self.computer.data)

        def ours() -> None:
            self.saved = saved(self.computer)

        return Took(
            _seconds(ours),
            _seconds(lambda: _tar('tar -cC "$1" . | gzip > "$2"', data, str(self.archive))),
            _seconds(lambda: self._copy(data, f"store:{COPIES}")),
        )

    def _put_back(self) -> Took:
        """Each into a directory of its own, and what is there then is what was there."""
        tops = [self.empty / way for way in ("tar", "copy")]
        for top in tops:
            top.mkdir(parents=True)
        tar, copy = (str(top) for top in tops)
        there = Computer(self.empty / "ours", self.computer.store, self.computer.repository)
        order = there.order_to_restore(self.saved)
        took = Took(
            _seconds(lambda: carried_out(there, order)),
            _seconds(lambda: _tar('gzip -d < "$2" | tar -xC "$1"', tar, str(self.archive))),
            _seconds(lambda: self._copy(f"store:{COPIES}", copy)),
        )
        expected = _digest(self.computer.data)
        assert all(_digest(top) == expected for top in (there.data, *tops))
        shutil.rmtree(self.empty)
        return took

    def _copy(self, source: str, target: str) -> None:
        self.tools.must(self.tools.rclone("copy", source, target))


def _evenings() -> Evenings:
    saves: list[Save] = []
    took: list[float] = []
    with TemporaryDirectory() as root, object_store.serving() as store:
        computer = Computer(Path(root) / "server", store)
        files = Files(computer.data, _kinds(EVENINGS_MB / 2, EVENINGS_MB / 2))
        files.make()
        for evening in range(EVENINGS):
            progress(f"Saves: {evening + 1} of {EVENINGS} evenings ...")
            files.play()
            now = _MONDAY + evening * DAYS_BETWEEN * 86400
            leaving = expendable(saves, KEPT, now)
            saves = [save for save in saves if save not in leaving]
            forget, keep = ([save["snapshot"] for save in of] for of in (leaving, saves))
            began = time.perf_counter()
            made = saved(computer, forget=forget, keep=keep)
            took.append(time.perf_counter() - began)
            assert set(made["forgot"]) == set(forget)
            save = {"saveId": f"save-{now}", "snapshot": made["snapshot"], "at": now}
            saves.append(cast("Save", save))
        archive = Path(root) / "files.tar.gz"
        _tar('tar -cC "$1" . | gzip > "$2"', str(computer.data), str(archive))
        packed = archive.stat().st_size / made["bytes"]
    return Evenings(
        len(saves), made["repositoryBytes"] / made["bytes"], packed * len(saves), median(took)
    )


def saved(computer: Computer, **order: list[str]) -> dict[str, Any]:
    """A save's result."""
    given = {"do": "save", "run": uuid.uuid4().hex, "kind": "after-stop", "check": None}
    result = carried_out(computer, {**given, "forget": [], **order})
    assert "afterwards" not in result, result
    return result


def carried_out(computer: Computer, order: dict[str, Any]) -> dict[str, Any]:
    """The result of an order, however long it takes."""
    task = computer.start(order)
    log, _ = task.communicate()
    assert task.returncode == 0, log
    return computer.result(order["run"])


def _seconds(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def _tar(script: str, directory: str, archive: str) -> None:
    subprocess.run(
        ["bash", "-c", f"set -o pipefail; {script}", "tar", directory, archive], check=True
    )


def _digest(top: Path) -> str:
    found = hashlib.sha256()
    for path in sorted(path for path in top.rglob("*") if path.is_file()):
        found.update(f"{path.relative_to(top)} {path.stat().st_size}\n".encode())
        with path.open("rb") as file:
            found.update(hashlib.file_digest(file, "sha256").digest())
    return found.hexdigest()
