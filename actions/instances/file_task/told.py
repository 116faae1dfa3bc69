"""What is told while it goes on, and in the end."""

from __future__ import annotations

import json
import math
import shutil
import threading
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field

from .texts import Json, parsed, read
from .tools import NOT_THERE, Tools

RESULT_BYTES = 300_000
_PROGRESS_SECONDS = 5


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
        if ran.code not in NOT_THERE:
            self.tools.must(ran)
        return {run: parsed(read(here / f"{run}.json", RESULT_BYTES * 4) or b"") for run in runs}

    def remove_result(self, run: str) -> None:
        """From now on the run's snapshots are nobody's."""
        ran = self.tools.rclone("delete", self.place("results", run))
        if ran.code not in NOT_THERE:
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
