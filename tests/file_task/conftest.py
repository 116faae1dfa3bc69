from __future__ import annotations

import pytest

from tests.file_task import object_store
from tests.file_task.computer import MISSING, Computer


@pytest.fixture(scope="session")
def store():
    """S3, for all tests: each has a repository and a bucket of its own."""
    with object_store.serving() as served:
        yield served


@pytest.fixture
def computer(tmp_path, store):
    """A member's server that has never run."""
    if MISSING:
        pytest.skip(f"{' and '.join(MISSING)} must be installed to save files")
    return Computer(tmp_path, store)
