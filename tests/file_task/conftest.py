from __future__ import annotations

import subprocess

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


@pytest.fixture
def furnished(computer):
    """A server on which was played."""
    computer.furnish()
    return computer


@pytest.fixture(scope="module")
def saved(tmp_path_factory, store):
    """A server with one save, for tests that change neither: the computer and the save."""
    if MISSING:
        pytest.skip(f"{' and '.join(MISSING)} must be installed to save files")
    computer = Computer(tmp_path_factory.mktemp("saved"), store)
    computer.furnish()
    return computer, computer.save()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 2 MB."""
    place = tmp_path / "small"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", place], check=False, capture_output=True
    )
    if mounted.returncode:
        pytest.skip("nothing can be mounted here, so no disk can be made small")
    yield place
    subprocess.run(["umount", "-l", place], check=True)
