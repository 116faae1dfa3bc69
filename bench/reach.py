"""Which tests come by which line: a plugin of pytest, `-p bench.reach`, for bench/mutants.py.

Written as JSON into the directory that REACH names, a file for each process that runs tests: `lines`, by module and
line the tests that carried it out, their fixtures included; and `seconds`, what each test took of the processor.
What is carried out when a module is imported is no test's.
"""

from __future__ import annotations

import importlib
import json
import os
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path
from typing import Any

import coverage
import pytest

_coverage = coverage.Coverage(data_file=None, include=["actions/*", "services/*"])
_coverage.start()
_seconds: defaultdict[str, float] = defaultdict(float)


def pytest_collection_finish() -> None:
    """Import everything before the first test, whose it would be else."""
    for path in (*Path("services").rglob("*.py"), *Path("actions").rglob("*.py")):
        importlib.import_module(".".join(path.with_suffix("").parts))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, Any, Any]:
    """From here on, and until the next one, it is this test that comes by."""
    test = item.nodeid.split("[")[0]
    _coverage.switch_context(test)
    began = _processor_seconds()
    outcome = yield
    _seconds[test] += _processor_seconds() - began
    return outcome


def _processor_seconds() -> float:
    return sum(os.times()[:2])  # the same however busy the machine is, and left alone by freezegun


def pytest_sessionfinish() -> None:
    """Write what was found, also if that is nothing, as in the process that only has others run tests."""
    _coverage.stop()
    data, root = _coverage.get_data(), Path.cwd()
    lines = {
        str(Path(file).relative_to(root)): {
            line: sorted(filter(None, tests))
            for line, tests in data.contexts_by_lineno(file).items()
        }
        for file in data.measured_files()
    }
    (Path(os.environ["REACH"]) / f"{os.getpid()}.json").write_text(
        json.dumps({"lines": lines, "seconds": _seconds}), encoding="utf-8"
    )
