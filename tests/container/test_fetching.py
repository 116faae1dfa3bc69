"""The operator's task that fetches a release for all."""

from __future__ import annotations

import zipfile

import pytest

from tests.container.machine import BUILD, Machine

ARCHIVE = f"foundryvtt-{BUILD}.zip"
ACCOUNT = {"FOUNDRY_USERNAME": "operator", "FOUNDRY_PASSWORD": "secret"}


@pytest.fixture
def machine(tmp_path, shell):
    return Machine(tmp_path, shell)


def releases(machine):
    return sorted(path.name for path in (machine.root / "releases").iterdir())


def test_a_release_is_fetched_whole_and_under_its_name(machine):
    code, log = machine.call("fetch", **ACCOUNT)
    assert code == 0, log
    assert releases(machine) == [ARCHIVE]
    assert zipfile.ZipFile(machine.root / "releases" / ARCHIVE).testzip() is None
    assert machine.calls.read_text() == f"login operator\naddress {BUILD}\n"


def test_what_is_there_is_not_fetched_again(machine):
    machine.call("fetch", **ACCOUNT)
    before = machine.calls.read_text()
    assert machine.call("fetch", **ACCOUNT)[0] == 0
    assert machine.calls.read_text() == before


def test_two_that_fetch_at_once_leave_one_whole_release(machine):
    both = [machine.start("fetch", **ACCOUNT) for _ in range(2)]
    assert [container.wait(timeout=60) for container in both] == [0, 0]
    assert releases(machine) == [ARCHIVE]
    assert zipfile.ZipFile(machine.root / "releases" / ARCHIVE).testzip() is None


@pytest.mark.parametrize("published", ["half", "nothing", "login"])
def test_what_could_not_be_fetched_whole_does_not_become_a_release(machine, published):
    variables = dict(ACCOUNT)
    archive = machine.root / "published.zip"
    if published == "half":
        archive.write_bytes(archive.read_bytes()[: archive.stat().st_size // 2])
    elif published == "nothing":
        archive.unlink()
    else:
        variables["FOUNDRY_PASSWORD"] = "wrong"
    assert machine.call("fetch", **variables)[0] != 0
    assert releases(machine) == []
