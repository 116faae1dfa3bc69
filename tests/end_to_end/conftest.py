"""What tests from outside share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.end_to_end.running import Run, running


@pytest.fixture(scope="module")
def run() -> Iterator[Run]:
    """A `make run` for all tests of a module."""
    with running() as started:
        yield started
