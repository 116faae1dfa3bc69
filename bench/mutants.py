"""The share of mutants that the tests notice: `make mutate` (MUTANTS=100 SEED=1).

A mutant is the project with one small mistake in it. One that no test notices shows what no test says, or that
the mistake makes no difference.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import count
from pathlib import Path
from queue import SimpleQueue

from bench.mistakes import Mutant, sample

# Which tests are asked about which modules, the likeliest first: the fast ones, with moto and nothing embedded.
_LICENSES = "tests/licenses tests/scheduling tests/instances"
_LIFE = "tests/instances tests/automation tests/scheduling tests/billing/test_costs.py"
_MONEY = "tests/billing tests/kofi tests/admin"
_ALL = f"tests/services {_LICENSES} tests/automation {_MONEY}"
TESTS = {
    "actions/licenses/choosing.py": f"{_LICENSES} tests/automation",
    "actions/licenses/reassigning.py": f"tests/scheduling {_LICENSES}",
    "actions/licenses/releasing.py": f"tests/scheduling {_LICENSES}",
    "actions/licenses/reservations.py": f"tests/scheduling {_LICENSES} tests/automation",
    "actions/licenses/rules.py": _LICENSES,
    "actions/instances": _LIFE,
    "actions/automation": f"tests/automation {_LIFE} tests/admin",
    "actions/scheduling": "tests/scheduling tests/licenses tests/billing/test_budget.py",
    "actions/billing": f"{_MONEY} tests/automation",
    "actions/kofi/crediting.py": _MONEY,
    "services/dynamodb.py": _ALL,
    "services/conditions.py": _ALL,
    "services/values.py": _ALL,
    "services/ledger.py": _MONEY,
    "services/counters.py": f"{_MONEY} tests/instances",
    "services/licenses.py": _LICENSES,
    "services/sessions.py": "tests/scheduling tests/licenses",
    "services/runs.py": f"tests/instances {_MONEY} tests/automation",
    "services/instances.py": _LIFE,
}
_WORKERS = 2
_PATIENCE = (
    3  # what takes so many times as long as all tests without a mistake hangs: that is noticed, too
)


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

    def pass_all(self) -> bool:
        """Whether all tests pass that are ever asked, without any mistake."""
        copy = self._free.get()
        try:
            return _passes(copy, _ALL)
        finally:
            self._free.put(copy)

    def notice(self, mutant: Mutant, limit: float) -> bool:
        """Whether the module's tests fail with the mistake, or take longer than `limit` seconds."""
        copy = self._free.get()
        path = copy / mutant.module
        original = path.read_text(encoding="utf-8")
        try:
            self._write(path, mutant.text)
            return not _passes(copy, _tests_of(mutant.module), limit)
        finally:
            self._write(path, original)
            self._free.put(copy)

    def _write(self, path: Path, text: str) -> None:
        """Write the text, with a time of its own: Python takes what it compiled of a file of that time for it."""
        path.write_text(text, encoding="utf-8")
        moment = next(self._moments)
        os.utime(path, (moment, moment))


def _passes(copy: Path, tests: str, limit: float | None = None) -> bool:
    named = dict.fromkeys(tests.split())  # each once, in their order
    without = ["-p", "no:cacheprovider", "-p", "no:schemathesis"]  # which takes a second to load
    command = [sys.executable, "-m", "pytest", "-x", "-q", *without, *named]
    # Most of the time goes into beginning: what is compiled is kept, also where the environment says otherwise.
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    try:
        done = subprocess.run(
            command, cwd=copy, env=environment, capture_output=True, timeout=limit, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


def _tests_of(module: str) -> str:
    return next(tests for named, tests in TESTS.items() if module.startswith(named))


def _modules(root: Path) -> Iterator[Path]:
    for name in TESTS:
        named = root / name
        yield from [named] if named.is_file() else named.glob("[!_]*.py")


def _tried(copies: Copies, mutants: list[Mutant], limit: float) -> Iterator[tuple[Mutant, bool]]:
    with ThreadPoolExecutor(_WORKERS) as pool:
        tried = {pool.submit(copies.notice, mutant, limit): mutant for mutant in mutants}
        yield from ((tried[done], done.result()) for done in as_completed(tried))


def main() -> int:
    """Try the mutants and print the share that was noticed, and those that were not; returns the exit code."""
    root, seed = Path.cwd(), os.environ.get("SEED", "1")
    mutants, possible = sample(root, _modules(root), int(os.environ.get("MUTANTS", "100")), seed)
    print(
        f"{len(mutants)} of {possible} mutants, chosen by seed {seed}; first the tests without any."
    )
    unnoticed: list[Mutant] = []
    with tempfile.TemporaryDirectory() as scratch:
        copies, began = Copies(root, Path(scratch)), time.monotonic()
        if not copies.pass_all():
            print("The tests fail without any mutant: see to `make test` first.", file=sys.stderr)
            return 1
        limit = _PATIENCE * (time.monotonic() - began)
        for number, (mutant, noticed) in enumerate(_tried(copies, mutants, limit), 1):
            unnoticed += [] if noticed else [mutant]
            print(f"{number:4} {'noticed' if noticed else 'NOT NOTICED'}  {mutant}", flush=True)
    noticed_share = 1 - len(unnoticed) / len(mutants)
    print(f"\n{len(mutants) - len(unnoticed)} of {len(mutants)} are noticed: {noticed_share:.0%}")
    for mutant in sorted(unnoticed, key=lambda mutant: (mutant.module, mutant.line)):
        print(f"  {mutant}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
