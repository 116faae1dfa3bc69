"""The share of mutants that the tests notice: `make mutate` (MUTANTS=100 SEED=1).

A mutant is the project with one small mistake in it. One that no test notices shows what no test says, or that
the mistake makes no difference.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain, count
from pathlib import Path
from queue import SimpleQueue

from bench.mistakes import Mutant, sample

# Whose mistakes are looked for: the rules, the life cycle, the ledger, the layer over DynamoDB.
MODULES = [
    "actions/automation/*.py",
    "actions/billing/*.py",
    "actions/instances/*.py",
    "actions/kofi/crediting.py",
    *(f"actions/licenses/{name}.py" for name in ("choosing", "rules", "re*ing", "reservations")),
    "actions/scheduling/*.py",
    *(f"services/{name}.py" for name in ("conditions", "counters", "dynamodb", "instances")),
    *(f"services/{name}.py" for name in ("ledger", "licenses", "runs", "sessions", "values")),
]
# The tests that are asked: the fast ones, with moto and nothing embedded.
_OF_RULES = "admin automation billing contract handler kofi licenses rates scheduling services"
_OF_SERVERS = "diagnosis discord instances saves tables"
TESTS = [f"tests/{folder}" for folder in f"{_OF_RULES} {_OF_SERVERS}".split()]
_WORKERS = 2
_SIDE_BY_SIDE = ["-n", str(_WORKERS), "--dist", "loadfile"]
# Of the tests that come by a mistake the nearest are asked, as many as took so much of the processor while coverage
# was measured; first those that compare whole answers.
_ASKED_SECONDS = 120
_FIRST = "tests/contract/"
# What takes so many times as long as without a mistake hangs: that is noticed, too.
_PATIENCE = 5
_BEGINNING_SECONDS = 10  # of a process that runs tests


@dataclass
class Reach:
    """What the tests come by without any mistake, and what each of them takes of the processor."""

    lines: dict[str, dict[int, set[str]]]  # module, line: the tests
    seconds: dict[str, float]

    @classmethod
    def of(cls, found: Path) -> Reach:
        """What each process has found, in one."""
        reach = cls({}, {})
        for path in found.iterdir():
            one = json.loads(path.read_text(encoding="utf-8"))
            reach.seconds.update(one["seconds"])
            for module, lines in one["lines"].items():
                for line, tests in lines.items():
                    reach.lines.setdefault(module, {}).setdefault(int(line), set()).update(tests)
        return reach

    def tests_of(self, mutant: Mutant) -> list[str]:
        """The nearest tests that come by the mistake: those of whose lines the most are in its module.

        Of a statement over several lines some are never counted: the last one before it that is stands for them.
        What is carried out on import may matter to all tests of the module.
        """
        lines = self.lines.get(mutant.module, {})
        before = max((line for line in lines if line <= mutant.line), default=None)
        every: set[str] = set().union(*lines.values())
        here = Counter(test for tests in lines.values() for test in tests)
        nearest = sorted(
            (before and lines[before]) or every,
            key=lambda test: (not test.startswith(_FIRST), -here[test] / self._all[test], test),
        )
        whole = accumulate(self.seconds[test] for test in nearest)
        within = sum(seconds <= _ASKED_SECONDS for seconds in whole)
        asked = nearest[: max(within, 1)]
        files = list(dict.fromkeys(map(_file, asked)))
        return sorted(asked, key=lambda test: files.index(_file(test)))

    @cached_property
    def _all(self) -> Counter[str]:
        """Of each test, how many lines it comes by."""
        every = (tests for lines in self.lines.values() for tests in lines.values())
        return Counter(chain.from_iterable(every))


class Copies:
    """Copies of the working tree in which mistakes are made, so that none is ever left in the tree itself."""

    def __init__(self, root: Path, scratch: Path) -> None:
        listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
        names = subprocess.run(listed, cwd=root, check=True, capture_output=True, text=True).stdout
        self._free: SimpleQueue[Path] = SimpleQueue()
        self._moments = count(1)
        for number in range(_WORKERS):
            copy = scratch / str(number)
            for name in filter(lambda name: (root / name).is_file(), names.splitlines()):
                (copy / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(root / name, copy / name)
            self._free.put(copy)

    def reach(self) -> Reach | None:
        """Which tests come by which line, without any mistake; None if a test fails."""
        copy = self._free.get()
        try:
            with tempfile.TemporaryDirectory() as found:
                asked = [*_SIDE_BY_SIDE, "-p", "bench.reach", *TESTS]
                passed = _passes(copy, asked, {"REACH": found})
                return Reach.of(Path(found)) if passed else None
        finally:
            self._free.put(copy)

    def notice(self, mutant: Mutant, reach: Reach) -> bool:
        """Whether a test fails with the mistake, or hangs."""
        tests = reach.tests_of(mutant)
        limit = _PATIENCE * (_BEGINNING_SECONDS + sum(reach.seconds[test] for test in tests))
        copy = self._free.get()
        path = copy / mutant.module
        original = path.read_text(encoding="utf-8")
        try:
            self._write(path, mutant.text)
            return bool(tests) and not _passes(copy, tests, limit=limit)
        finally:
            self._write(path, original)
            self._free.put(copy)

    def _write(self, path: Path, text: str) -> None:
        """Write the text, with a time of its own: Python takes what it compiled of a file of that time for it."""
        path.write_text(text, encoding="utf-8")
        moment = next(self._moments)
        os.utime(path, (moment, moment))


def _passes(
    copy: Path,
    tests: list[str],
    variables: Mapping[str, str] | None = None,
    limit: float | None = None,
) -> bool:
    without = ["-p", "no:cacheprovider", "-p", "no:schemathesis"]  # which takes a second to load
    command = [sys.executable, "-m", "pytest", "-x", "-q", *without, *tests]
    # Most of the time goes into beginning: what is compiled is kept, also where the environment says otherwise.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment |= variables or {}
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _file(test: str) -> str:
    return test.split("::")[0]


def _tried(copies: Copies, mutants: list[Mutant], reach: Reach) -> Iterator[tuple[Mutant, bool]]:
    with ThreadPoolExecutor(_WORKERS) as pool:
        tried = {pool.submit(copies.notice, mutant, reach): mutant for mutant in mutants}
        yield from ((tried[done], done.result()) for done in as_completed(tried))


def main() -> int:
    """Try the mutants and print the share that was noticed, and those that were not; returns the exit code."""
    root, seed = Path.cwd(), os.environ.get("SEED", "1")
    modules = {path for named in MODULES for path in root.glob(named)}
    mutants, possible = sample(root, modules, int(os.environ.get("MUTANTS", "100")), seed)
    print(
        f"{len(mutants)} of {possible} mutants, chosen by seed {seed}; first the tests without any."
    )
    unnoticed: list[Mutant] = []
    with tempfile.TemporaryDirectory() as scratch:
        copies = Copies(root, Path(scratch))
        reach = copies.reach()
        if reach is None:
            print("The tests fail without any mutant: see to `make test` first.", file=sys.stderr)
            return 1
        for number, (mutant, noticed) in enumerate(_tried(copies, mutants, reach), 1):
            unnoticed += [] if noticed else [mutant]
            print(f"{number:4} {'noticed' if noticed else 'NOT NOTICED'}  {mutant}", flush=True)
    share = 1 - len(unnoticed) / len(mutants)
    print(f"\n{len(mutants) - len(unnoticed)} of {len(mutants)} are noticed: {share:.0%}")
    for mutant in sorted(unnoticed, key=lambda mutant: (mutant.module, mutant.line)):
        print(f"  {mutant}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
