"""What saves a member's files and puts them back, in a task of its own, never while their server runs.

One file that imports nothing of the platform's: its text is carried in the task definition, as container.sh is
for servers. restic keeps the saves, in one repository per server; rclone moves what is in buckets. A save is two
snapshots of one run, of the server's directory and of its asset bucket. It counts once
`results/<repository>/<run>.json` names them; what no result names is forgotten by the next save.

What is put back is first laid out beside what is there and verified. Then a journal is written, from which on the
same order can only go forward; before it, nothing has changed.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import threading
import time
import traceback
import zipfile
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

Json = dict[str, Any]

# What failures are called, and what is said of them to members.
MESSAGES = {
    "no-space": "There is not enough room to do it.",
    "no-repository": "There are no saves of this server.",
    "wrong-password": "The saves are locked by another password.",
    "no-such-save": "There is no such save.",
    "no-such-part": "The save holds nothing of that name.",
    "unreachable": "The place of the saves or the assets cannot be reached.",
    "unreadable": "Some files cannot be read, so they cannot be saved.",
    "damaged": "The saves are damaged.",
    "no-tools": "The programs that keep the saves are missing.",
    "unexpected": "Something went wrong that is not known.",
}
STOPPED = 143  # the exit code after SIGTERM

# How restic 0.14 to 0.18 and rclone 1.60 to 1.75 say what went wrong; the first that fits.
_SAID = {
    "no-space": re.compile(
        r"no space left on device|disk quota exceeded|too big for remaining disk space", re.I
    ),
    "wrong-password": re.compile(r"wrong password or no key found", re.I),
    "unreachable": re.compile(
        r"connection (refused|reset)|no such host|no route to host|time(d )?-?out|access ?denied"
        r"|forbidden|InvalidAccessKeyId|SignatureDoesNotMatch|ExpiredToken|NoCredentialProviders|SlowDown"
        r"|NoSuchBucket|bucket does not exist|directory not found|service unavailable|internal error",
        re.I,
    ),
    "no-repository": re.compile(r"is there a repository at|repository does not exist", re.I),
    "damaged": re.compile(
        r"verification failed|does not match|mismatch|not found in (repository|index)|wrong length"
        r"|invalid data returned|does not exist|(unable|failed) to load|unexpected EOF"
        r"|cannot be (loaded|decrypted)",
        re.I,
    ),
}
_RESTIC_CODES = {10: "no-repository", 12: "wrong-password"}  # from 0.17 on
_SOME_UNREAD = 3  # restic's code of a backup that lacks files
_NOT_THERE = (3, 4)  # rclone's codes where there is no such directory or file

# Never saved, never touched: what the platform writes anew, secrets, and what can be fetched again.
_KEPT = ("container_cache", "Config/license.json", "Config/admin.txt", "Config/options.json.lock")
_KEPT_BEGINNING = ".restoring"  # of names in the server's directory: what is being put back
_KEPT_END = ".new"  # of names in Config: what container.sh was writing when it was killed
_CLEAN_STOP = "Config/clean-stop"  # written by container.sh; its first line is Foundry's build
_SIGNATURES = "Config/signatures"  # those that came since stay beside those of the save
_OPENED = ("Config", _SIGNATURES)  # directories that are put back entry by entry
_NOTHING = (
    ".nothing-saved"  # the only file of a save of an empty directory, as restic saves no empty one
)

_PLAN = "plan.json"
_KINDS = {"module": "modules", "system": "systems", "world": "worlds"}
_PROGRESS_SECONDS = 5
_PATIENCE_SECONDS = 60  # for a tool to end once it has been interrupted
_MANIFEST_BYTES = 4_000_000
_PACKAGES, _TITLE, _VERSION, _ID = 1000, 100, 40, 255  # how many; characters of each
_RESULT_BYTES = 300_000
_PROBLEMS, _PROBLEM = 20, 200  # of a check: how many; characters of each


class Failed(Exception):
    """The order cannot be carried out; `word` is one of MESSAGES."""

    def __init__(self, word: str, detail: str = "") -> None:
        super().__init__(f"{MESSAGES[word]} {detail}".strip())
        self.word = word


class Stopped(BaseException):
    """SIGTERM came."""


@dataclass(frozen=True)
class Ran:
    """A tool that has ended: its exit code, its output and the last lines of its errors."""

    code: int
    out: bytes
    said: str


# --- the tools ---------------------------------------------------------------------------------------


class Tools:
    """restic and rclone, each with no more of the environment than it needs, and no secret as an argument."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.data = Path(os.path.realpath(environment.get("DATA", "/data")))
        self.scratch = Path(os.path.realpath(environment.get("SCRATCH", "/scratch")))
        self._directory = environment.get("TOOLS", "/tools")
        self._endpoint = environment["S3_ENDPOINT"]
        self._region = environment["AWS_REGION"]
        self._restic = {k: v for k, v in environment.items() if k.startswith("RESTIC_")}
        ours = ("RESTIC_", "RCLONE_", "ORDER")
        # rclone 1.60 refuses to work with a bundle named by this variable.
        self._common = {
            k: v
            for k, v in environment.items()
            if not k.startswith((*ours, "AWS_CA_BUNDLE", "PWD"))
        }
        hidden = (
            "RESTIC_PASSWORD",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_ACCESS_KEY_ID",
        )
        self._secrets = [environment[name] for name in hidden if environment.get(name)]

    def restic(self, *arguments: str, **how: Any) -> Ran:
        """Run restic on this server's repository."""
        return self._run("restic", arguments, **how)

    def rclone(self, *arguments: str, **how: Any) -> Ran:
        """Run rclone, whose `store:` is S3; what it cannot reach it gives up within a minute."""
        return self._run("rclone", arguments, **how)

    def hide(self, text: str) -> str:
        """The text without any secret."""
        for secret in self._secrets:
            text = text.replace(secret, "[hidden]")
        return text

    def failure(self, ran: Ran) -> Failed:
        """What a tool's end means."""
        word = next((word for word, pattern in _SAID.items() if pattern.search(ran.said)), "")
        word = _RESTIC_CODES.get(ran.code) or word or "unexpected"
        print(self.hide(ran.said), file=sys.stderr, flush=True)
        lines = ran.said.strip().splitlines() or [f"ended with {ran.code}"]
        return Failed(word, self.hide(lines[-1])[:_PROBLEM] if word == "unexpected" else "")

    def must(self, ran: Ran) -> Ran:
        """Raise unless the tool has done it."""
        if ran.code:
            raise self.failure(ran)
        return ran

    def _run(
        self,
        tool: str,
        arguments: Sequence[str],
        *,
        cwd: Path | None = None,
        given: bytes = b"",
        on_line: Callable[[bytes], None] | None = None,
    ) -> Ran:
        """Lines go to `on_line`, if that is given, instead of being kept."""
        said: deque[str] = deque(maxlen=40)
        process = subprocess.Popen(  # noqa: S603 - a program of ours, no shell
            [self._path(tool), *arguments],
            cwd=cwd,
            env=self._environment(tool),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        try:
            errors = threading.Thread(
                target=_follow, args=(process.stderr, said, on_line), daemon=True
            )
            errors.start()
            out = _exchange(process, given, on_line)
            code = process.wait()
            errors.join()
        except BaseException:
            _interrupt(process)
            raise
        return Ran(code, out, "\n".join(said))

    def _path(self, tool: str) -> str:
        found = shutil.which(tool, path=self._directory) or shutil.which(tool)
        if found is None:
            raise Failed("no-tools", f"There is no {tool}.")
        return found

    def _environment(self, tool: str) -> dict[str, str]:
        temporary = self.scratch / "temporary"
        temporary.mkdir(parents=True, exist_ok=True)
        common = {**self._common, "TMPDIR": str(temporary), "AWS_DEFAULT_REGION": self._region}
        if tool == "restic":
            cache = {"RESTIC_CACHE_DIR": str(self.scratch / "cache"), "RESTIC_PROGRESS_FPS": "1"}
            return {**common, **self._restic, **cache}
        # Path style, which the provider AWS would not do, is what an address without names below it needs.
        provider = "AWS" if ".amazonaws.com" in self._endpoint else "Minio"
        store = {"TYPE": "s3", "PROVIDER": provider, "ENV_AUTH": "true", "NO_CHECK_BUCKET": "true"}
        store |= {"ENDPOINT": self._endpoint, "REGION": self._region}
        limits = {"LOW_LEVEL_RETRIES": "5", "RETRIES": "2", "CONTIMEOUT": "10s", "TIMEOUT": "60s"}
        limits["STREAMING_UPLOAD_CUTOFF"] = "1M"  # any result at once, not as an upload in parts
        return {
            **common,
            **{f"RCLONE_{name}": value for name, value in limits.items()},
            **{f"RCLONE_CONFIG_STORE_{name}": value for name, value in store.items()},
            "RCLONE_CONFIG": os.devnull,
            "RCLONE_CACHE_DIR": str(self.scratch / "cache"),
        }


def _follow(
    lines: Iterable[bytes], said: deque[str], on_line: Callable[[bytes], None] | None
) -> None:
    for line in lines:
        if on_line and b'"stats":' in line:  # how rclone says how far it is
            on_line(line)
        else:
            said.append(line.decode(errors="replace").rstrip()[:1000])


def _exchange(
    process: subprocess.Popen[bytes], given: bytes, on_line: Callable[[bytes], None] | None
) -> bytes:
    assert process.stdin  # noqa: S101 - for mypy: both are pipes
    assert process.stdout  # noqa: S101
    with suppress(BrokenPipeError):
        process.stdin.write(given)
        process.stdin.close()
    if on_line is None:
        return process.stdout.read()
    for line in process.stdout:
        on_line(line)
    return b""


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    """Have a tool end in good order: restic removes its lock."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(_PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


# --- what is told while it goes on, and in the end ---------------------------------------------------


def parsed(text: bytes | str) -> Json:
    """A JSON object; an empty one if it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


@dataclass
class Told:
    """What is written of a run into the bucket of the saves."""

    tools: Tools
    bucket: str
    repository: str
    run: str
    last: float = -math.inf
    lock: threading.Lock = field(default_factory=threading.Lock)

    def place(self, kind: str, run: str = "") -> str:
        """Where `results` or `progress` of a run are."""
        return f"store:{self.bucket}/{kind}/{self.repository}/{run or self.run}.json"

    def result(self, result: Json) -> None:
        """Write the result of the run it names; S3 shows an object whole or not at all."""
        text = json.dumps(result, ensure_ascii=False).encode(errors="replace")
        self.tools.must(self.tools.rclone("rcat", self.place("results", result["run"]), given=text))

    def result_of(self, run: str) -> Json:
        """The result of a run; empty if there is none."""
        return self.results_of([run])[run]

    def results_of(self, runs: Collection[str]) -> dict[str, Json]:
        """The results of runs, each empty if there is none."""
        here = self.tools.scratch / "results"
        shutil.rmtree(here, ignore_errors=True)
        here.mkdir(parents=True)
        wanted = "".join(f"{run}.json\n" for run in runs).encode()
        source = f"store:{self.bucket}/results/{self.repository}"
        ran = self.tools.rclone("copy", "--files-from-raw=-", source, str(here), given=wanted)
        if ran.code not in _NOT_THERE:
            self.tools.must(ran)
        return {run: parsed(_read(here / f"{run}.json", _RESULT_BYTES * 4) or b"") for run in runs}

    def remove_result(self, run: str) -> None:
        """From now on the run's snapshots are nobody's."""
        ran = self.tools.rclone("delete", self.place("results", run))
        if ran.code not in _NOT_THERE:
            self.tools.must(ran)

    def progress(self, step: str, **figures: int | None) -> None:
        """Tell how far the run is, once in five seconds. That this fails is no reason to end."""
        now = time.monotonic()
        if now - self.last < _PROGRESS_SECONDS or not self.lock.acquire(blocking=False):
            return
        try:
            self.last = now
            names = ("files", "totalFiles", "bytes", "totalBytes", "secondsLeft")
            told = {"step": step, **{n: figures.get(n) for n in names}, "at": int(time.time())}
            quick = ("--retries", "1", "--low-level-retries", "1", "--timeout", "10s")
            self.tools.rclone(
                "rcat", *quick, self.place("progress"), given=json.dumps(told).encode()
            )
        finally:
            self.lock.release()

    def of_restic(self, step: str) -> Callable[[bytes], None]:
        """What takes restic's lines of status."""

        def take(line: bytes) -> None:
            said = parsed(line)
            if said.get("message_type") == "status":
                self.progress(
                    step,
                    files=said.get("files_done", said.get("files_restored", 0)),
                    totalFiles=said.get("total_files"),
                    bytes=said.get("bytes_done", said.get("bytes_restored", 0)),
                    totalBytes=said.get("total_bytes"),
                    secondsLeft=said.get("seconds_remaining"),
                )

        return take

    def of_rclone(self, step: str) -> Callable[[bytes], None]:
        """What takes rclone's lines of status."""

        def take(line: bytes) -> None:
            said = parsed(line).get("stats") or {}
            self.progress(
                step,
                files=said.get("transfers"),
                totalFiles=said.get("totalTransfers"),
                bytes=said.get("bytes"),
                totalBytes=said.get("totalBytes"),
                secondsLeft=said.get("eta"),
            )

        return take


# --- the repository ----------------------------------------------------------------------------------


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
        if ran.code in _NOT_THERE:
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
        empty = files and not any(not _kept(name) for name in os.listdir(directory))
        what = ["--stdin", f"--stdin-filename={_NOTHING}"] if empty else [*changes, *parent, "."]
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
        return [self.tools.hide(line)[:_PROBLEM] for line in lines[:_PROBLEMS]] or ["unknown"]


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
    return [f"{top}/{name}" for name in (*_KEPT, f"{_KEPT_BEGINNING}*", f"Config/*{_KEPT_END}")]


def _kept(path: str) -> bool:
    """Whether this path within the server's directory is neither saved nor touched."""
    top, _, below = path.partition("/")
    new = top == "Config" and below.endswith(_KEPT_END) and "/" not in below
    return path in _KEPT or top.startswith(_KEPT_BEGINNING) or new


# --- what there is in a server's directory -----------------------------------------------------------


def inventory(data: Path) -> Json:
    """Foundry's build, whether it ended cleanly (None: it has never run), and packages by their manifests."""
    clean: bool | None = None
    build = None
    if (data / "Config").is_dir():
        text = _read(data / _CLEAN_STOP, 100)
        clean = text is not None
        first = (text or b"").partition(b"\n")[0].decode(errors="replace")
        build = first if re.fullmatch(r"[0-9][0-9.]{0,19}", first) else None
    return {"build": build, "clean": clean, "packages": packages(data)}


def packages(data: Path) -> list[Json]:
    """Worlds first, then systems and modules; as many as fit. What a manifest says may be anything."""
    found: list[Json] = []
    left = _RESULT_BYTES * 2 // 3
    for kind in ("world", "system", "module"):
        for directory in _directories(data / "Data" / _KINDS[kind]):
            text = _read(directory / f"{kind}.json", _MANIFEST_BYTES)
            if text is None:
                continue
            shown = _package(kind, directory.name, parsed(text))
            left -= len(json.dumps(shown, ensure_ascii=False).encode(errors="replace")) + 2
            if left < 0 or len(found) == _PACKAGES:
                return found
            found.append(shown)
    return found


def _package(kind: str, name: str, manifest: Json) -> Json:
    """By its directory's name, by which alone it can be put back."""
    fits = manifest.get("compatibility")
    fits = fits if isinstance(fits, dict) else {}
    shown = {
        "type": kind,
        "id": _text(name, _ID),
        "title": _text(manifest.get("title"), _TITLE),
        "version": _text(manifest.get("version"), _VERSION),
        "minimum": _text(fits.get("minimum", manifest.get("minimumCoreVersion")), _VERSION),
        "verified": _text(fits.get("verified", manifest.get("compatibleCoreVersion")), _VERSION),
        "maximum": _text(fits.get("maximum"), _VERSION),
    }
    if kind == "world":
        shown["system"] = _text(manifest.get("system"), _TITLE)
        shown["coreVersion"] = _text(manifest.get("coreVersion"), _VERSION)
    return shown


def _text(value: object, most: int) -> str | None:
    """A string or a number, as old manifests have for versions, of at most so many characters."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return str(value).encode(errors="replace").decode()[:most]
    except ValueError:  # a number of thousands of digits
        return None


def _directories(parent: Path) -> list[Path]:
    """Real ones: of a link, only the link is saved."""
    try:
        with os.scandir(parent) as entries:
            found = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
    except OSError:
        return []
    return [parent / name for name in sorted(found)]


def _read(path: Path, most: int) -> bytes | None:
    """The beginning of a file; None of what is none, or cannot be read. A pipe would keep us for ever."""
    try:
        opened = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except (OSError, ValueError):
        return None
    with open(opened, "rb") as file:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            return None
        try:
            return file.read(most)
        except OSError:
            return None


# --- save --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Task:
    """One order and what it is carried out with."""

    tools: Tools
    told: Told
    repository: Repository
    assets: str
    order: Json

    @property
    def run(self) -> str:
        """The run's id."""
        return self.told.run

    @property
    def fetched(self) -> Path:
        """Where the assets lie while they are saved or put back, as the directory `assets`."""
        return self.tools.scratch / "saved"


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
    assets = task.repository.add(task.fetched, files=False) if _fetch_assets(task) else None
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


def _fetch_assets(task: Task) -> bool:
    """Bring the asset bucket here; False if there is none."""
    place = task.fetched / "assets"
    place.mkdir(parents=True, exist_ok=True)
    if not task.assets:
        return False
    if task.tools.rclone("lsf", f"store:{task.assets}").code in _NOT_THERE:
        return False
    _sync(task, f"store:{task.assets}", str(place))
    return True


def _sync(task: Task, source: str, target: str) -> None:
    """By size and by the time at which S3 says that an object was written: that takes no request for each."""
    task.told.progress("assets")
    ran = task.tools.rclone(
        "sync",
        "--use-json-log",
        "--verbose",
        "--stats=5s",
        "--use-server-modtime",
        "--no-update-modtime",
        source,
        target,
        on_line=task.told.of_rclone("assets"),
    )
    task.tools.must(ran)


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


# --- restore -----------------------------------------------------------------------------------------


def restore(task: Task) -> None:
    """Put back all of a save or one package of it. An order that was carried out is not carried out again."""
    if settle(task) == task.run or task.told.result_of(task.run).get("restored"):
        return
    what = task.order["what"]
    task.repository.open()
    there = task.repository.snapshots()
    snapshot = next((s for s in there if s.files and s.id == task.order["snapshot"]), None)
    if snapshot is None:
        raise Failed("no-such-save")
    assets = next((s.id for s in there if not s.files and s.run == snapshot.run), None)
    whole = bool(what.get("all"))
    if whole and assets:
        _see_bucket(task)
    plan = _staged(task, snapshot.id, None if whole else _part(what))
    plan |= {"run": task.run, "snapshot": snapshot.id, "assetsSnapshot": assets if whole else None}
    _write_plan(_restoring(task) / _PLAN, plan)
    _carry_out(task, plan)


def settle(task: Task) -> str:
    """Finish what an earlier task had begun to put back, or clear away what it had only laid out. Its run."""
    plan = _restoring(task) / _PLAN
    if _restoring(task).is_symlink() or not plan.exists():
        _clear(task)
        return ""
    found = parsed(plan.read_bytes())
    if not found:
        raise Failed("unexpected", "What says how to put the files back cannot be read.")
    print("Going on with what an earlier task has begun.", flush=True)
    _carry_out(task, found)
    return str(found["run"])


def _restoring(task: Task) -> Path:
    return task.tools.data / _KEPT_BEGINNING


def _clear(task: Task) -> None:
    for entry in task.tools.data.glob(f"{_KEPT_BEGINNING}*"):
        _remove(entry)


def _remove(path: Path) -> None:
    """Also directories that their owner may not write to, as some archives have them."""
    if not _is_directory(path):
        path.unlink()
        return
    path.chmod(0o700)
    for directory, names, _ in os.walk(path):
        for below in (os.path.join(directory, name) for name in names):
            if not os.path.islink(below):
                os.chmod(below, 0o700)
    shutil.rmtree(path)


def _see_bucket(task: Task) -> None:
    """Before anything changes: what is there to be put back has somewhere to go."""
    task.tools.must(task.tools.rclone("lsf", f"store:{task.assets}"))


def _part(what: Json) -> str:
    """The path of a package or world in the server's directory."""
    for kind, folder in _KINDS.items():
        if kind in what:
            name = str(what[kind])
            if name in ("", ".", "..") or "/" in name or "\0" in name or len(name) > _ID:
                raise Failed("no-such-part")
            return f"Data/{folder}/{name}"
    raise Failed("unexpected", "The order does not say what to put back.")


def _staged(task: Task, snapshot: str, part: str | None) -> Json:
    """Lay out what is to be put back, on the same file system; which moves put it in its place."""
    new = _restoring(task) / "new"
    new.mkdir(parents=True)
    try:
        task.repository.lay_out(snapshot, new, "files", part)
        if part is None:
            (new / _NOTHING).unlink(missing_ok=True)
            moves = _moves_of_all(task.tools.data, new)
        elif os.path.lexists(new / part):
            moves = _moves_of_part(task.tools.data, part)
        else:
            raise Failed("no-such-part")
        return {**moves, "modes": _modes(new, moves["in"]), **_weighed(new)}
    except BaseException:
        _remove(_restoring(task))
        raise


def _moves_of_part(data: Path, part: str) -> Json:
    """A part comes from elsewhere, so that Foundry's clean end says nothing of what is there: that goes, too."""
    for parent in Path(part).parents:
        if os.path.lexists(data / parent) and not _is_directory(data / parent):
            raise Failed("unexpected", f"{parent} is no directory.")
    return {"out": [p for p in (part, _CLEAN_STOP) if os.path.lexists(data / p)], "in": [part]}


def _moves_of_all(data: Path, new: Path) -> Json:
    """All that is there goes and all of the save comes, but for what no save holds."""
    out: list[str] = []
    come: list[str] = []
    opened: dict[str, list[int]] = {}
    for path in _places(data, new, ""):
        there, comes = os.path.lexists(data / path), os.path.lexists(new / path)
        if path in _OPENED and there and _is_directory(data / path):
            if comes:
                status = os.stat(new / path)
                opened[path] = [stat.S_IMODE(status.st_mode), status.st_mtime_ns]
            continue
        if there and (comes or os.path.dirname(path) != _SIGNATURES):
            out.append(path)
        if comes:
            come.append(path)
    return {"out": out, "in": come, "opened": opened}


def _places(data: Path, new: Path, top: str) -> Iterator[str]:
    """What is to be moved below `top`; before a directory that is put back entry by entry, its entries."""
    for name in sorted({*_names(data / top), *_names(new / top)}):
        path = f"{top}{name}"
        if _kept(path):
            continue
        if path in _OPENED and _is_directory(data / path):
            if os.path.lexists(new / path) and not _is_directory(new / path):
                raise Failed("unexpected", f"{path} of the save is no directory.")
            yield from _places(data, new, f"{path}/")
        yield path


def _is_directory(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink()


def _names(directory: Path) -> list[str]:
    return os.listdir(directory) if _is_directory(directory) else []


def _modes(new: Path, paths: Sequence[str]) -> dict[str, int]:
    """Directories that cannot be moved as they are: a directory that moves is written to."""
    modes = {p: os.lstat(new / p).st_mode for p in paths}
    return {
        p: stat.S_IMODE(m) for p, m in modes.items() if stat.S_ISDIR(m) and not m & stat.S_IWUSR
    }


def _weighed(new: Path) -> Json:
    files = size = 0
    for directory, _, names in os.walk(new):
        for name in names:
            status = os.lstat(os.path.join(directory, name))
            files += stat.S_ISREG(status.st_mode)
            size += status.st_size if stat.S_ISREG(status.st_mode) else 0
    return {"files": files, "bytes": size}


def _write_plan(path: Path, plan: Json) -> None:
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


def _carry_out(task: Task, plan: Json) -> None:
    """Each step may be repeated, whatever an earlier task that died has done of it."""
    if plan["assetsSnapshot"]:
        _put_assets_back(task, plan["assetsSnapshot"])
    data, restoring = task.tools.data, _restoring(task)
    for path in plan["out"]:
        if not os.path.lexists(restoring / "old" / path):
            _move(data / path, restoring / "old" / path)
    for path in plan["in"]:
        _move(restoring / "new" / path, data / path)
    for path, mode in plan["modes"].items():
        os.chmod(data / path, mode)
    for path, (mode, modified) in plan.get("opened", {}).items():
        os.chmod(data / path, mode)
        os.utime(data / path, ns=(modified, modified))
    os.rename(restoring, data / f"{_KEPT_BEGINNING}-done")
    restored = {"files": plan["files"], "bytes": plan["bytes"]}
    result = {"do": "restore", "run": plan["run"], "snapshot": plan["snapshot"]}
    task.told.result({**result, "restored": restored, "at": int(time.time())})
    print(f"Put back {plan['files']} files.", flush=True)
    _clear(task)


def _move(source: Path, target: Path) -> None:
    """Nothing if it is not there any more."""
    if not os.path.lexists(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    if _is_directory(source) and not os.stat(source).st_mode & stat.S_IWUSR:
        os.chmod(source, 0o700)
    os.rename(source, target)


def _put_assets_back(task: Task, snapshot: str) -> None:
    """From the repository, since what an earlier task had fetched went with it. The bucket keeps its versions."""
    task.repository.open()
    shutil.rmtree(task.fetched, ignore_errors=True)
    task.repository.lay_out(snapshot, task.fetched, "assets")
    _sync(task, str(task.fetched / "assets"), f"store:{task.assets}")


# --- export ------------------------------------------------------------------------------------------


def export(task: Task) -> None:
    """A zip of all of a save, or of one package of it, in the bucket, where its member may be let have it."""
    what = task.order["what"]
    part = None if what.get("all") else _part(what)
    task.repository.open()
    there = task.repository.snapshots()
    snapshot = next((s for s in there if s.files and s.id == task.order["snapshot"]), None)
    if snapshot is None:
        raise Failed("no-such-save")
    laid_out, archive = task.tools.scratch / "export", task.tools.scratch / "export.zip"
    shutil.rmtree(laid_out, ignore_errors=True)
    task.repository.lay_out(snapshot.id, laid_out / "data", "files", part)
    if part and not os.path.lexists(laid_out / "data" / part):
        raise Failed("no-such-part")
    (laid_out / "data" / _NOTHING).unlink(missing_ok=True)
    assets = next((s.id for s in there if not s.files and s.run == snapshot.run), None)
    if part is None and assets:
        task.repository.lay_out(assets, laid_out, "assets")
    files = _zipped(task, laid_out, archive)
    place = f"store:{task.told.bucket}/exports/{task.told.repository}/{task.run}.zip"
    up = task.tools.rclone("copyto", str(archive), place, on_line=task.told.of_rclone("upload"))
    task.tools.must(up)
    exported = {"files": files, "bytes": archive.stat().st_size}
    result = {"do": "export", "run": task.run, "snapshot": snapshot.id, "exported": exported}
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


# --- the task ----------------------------------------------------------------------------------------

ORDERS: Mapping[str, Callable[[Task], None]] = {"save": save, "restore": restore, "export": export}


def carry_out(environment: Mapping[str, str]) -> int:
    """Carry out the order of the environment, and write what came of it; the exit code."""
    order = parsed(environment["ORDER"])
    do, run = str(order.get("do")), str(order.get("run"))
    if do not in ORDERS or not re.fullmatch(r"[A-Za-z0-9_-]{1,100}", run):
        print("Such an order is not known.", file=sys.stderr, flush=True)
        return 1
    tools = Tools(environment)
    told = Told(tools, environment["BUCKET"], environment["REPOSITORY"], run)
    task = Task(tools, told, Repository(tools, told), environment.get("ASSETS", ""), order)
    try:
        ORDERS[do](task)
    except Failed as failure:
        return _failed(task, failure)
    except Exception as error:
        print(tools.hide(traceback.format_exc()), file=sys.stderr, flush=True)
        full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
        return _failed(task, Failed("no-space" if full else "unexpected", type(error).__name__))
    return 0


def _failed(task: Task, failure: Failed) -> int:
    print(task.tools.hide(f"{failure.word}: {failure}"), file=sys.stderr, flush=True)
    begun = (_restoring(task) / _PLAN).exists()  # files may be neither here nor there
    result = {"do": task.order["do"], "run": task.run, "failed": failure.word, "begun": begun}
    try:
        task.told.result({**result, "message": task.tools.hide(str(failure))})
    except Failed as unwritten:
        print(f"The result cannot be written: {unwritten}", file=sys.stderr, flush=True)
    return 1


def main() -> int:
    """The task's process."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(
        signal.SIGINT, _stop
    )  # were it ignored, as of a shell's jobs, so it would be by the tools
    try:
        return carry_out(os.environ)
    except Stopped:
        print("Asked to end.", file=sys.stderr, flush=True)
        return STOPPED


def _stop(_number: int, _frame: FrameType | None) -> NoReturn:
    for number in (signal.SIGTERM, signal.SIGINT):  # once is enough, and ending takes a moment
        signal.signal(number, signal.SIG_IGN)
    raise Stopped


if __name__ == "__main__":
    sys.exit(main())
