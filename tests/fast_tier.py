"""`make quick` begins sooner than a run of all tests, and says which modules have become too slow for it.

What counts are seconds of the processor, whatever else the machine does: the clock on the wall stands still in some
tests.
"""

from __future__ import annotations

import gc
import os
from collections import defaultdict
from collections.abc import Generator
from pathlib import Path

import pytest

_MOST_SECONDS = 1.5  # of a module
_PROPERTY = "processor seconds"
_SLOW = "\npytestmark = pytest.mark.slow\n"  # so a whole module is marked


def pytest_configure(config: pytest.Config) -> None:
    """Measure from now on."""
    config.pluginmanager.register(_FastTier())


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Do not even import a module of which no test would run: that takes as long as many tests."""
    module = collection_path.suffix == ".py"
    return True if module and _SLOW in collection_path.read_text(encoding="utf-8") else None


def pytest_collection_finish() -> None:
    """What has been imported stays until the end: the collector of garbage need not look at it again and again."""
    gc.collect()
    gc.freeze()


class _FastTier:
    """What has been measured in this process, and what the workers of xdist have sent."""

    def __init__(self) -> None:
        self.taken: defaultdict[str, float] = defaultdict(float)
        self.before: float | None = None  # at the last report, in this process

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send along what a phase of a test has taken: under xdist another process prints it."""
        report = yield
        now = _seconds()
        report.user_properties.append((_PROPERTY, now - (self.before or now)))
        self.before = now
        return report

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add up what the tests of a module take."""
        module = report.nodeid.partition("::")[0]
        for name, value in report.user_properties:
            if name == _PROPERTY and isinstance(value, float):
                self.taken[module] += value

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name those modules that are to be marked."""
        for module, seconds in sorted(self.taken.items()):
            if seconds > _MOST_SECONDS:
                terminalreporter.write_line(
                    f"{module} took {seconds:.1f} s of the processor: mark it slow."
                )


def _seconds() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system
