"""What is saved comes back as it was: restic, rclone and the program itself, run as a task runs them."""

from __future__ import annotations

import os

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def furnished(computer):
    """A server on which was played."""
    computer.write("Config/options.json", "{}", 0o600)
    computer.write("Config/clean-stop", "13.351\n")
    computer.write("Config/license.json", '{"license": "AAAA"}')
    computer.write("Config/admin.txt", "hash")
    computer.write("Config/signatures/one.json", "{}")
    computer.write("container_cache/release.zip", b"zip")
    computer.write("Data/worlds/dragon/world.json", '{"title": "Dragon", "system": "dnd5e"}')
    computer.write("Data/worlds/dragon/data/actors/000.ldb", os.urandom(200_000))
    computer.write("Data/modules/dice/module.json", '{"title": "Dice", "version": "1"}')
    computer.write("Data/systems/dnd5e/system.json", '{"title": "5e", "version": "5.3.3"}')
    computer.write("Logs/debug.log", "a line\n")
    for place in ("Data/worlds/dragon", "Data", "Config"):
        os.utime(computer.data / place, ns=(10**18 + 123456789, 10**18 + 123456789))
    computer.store.put(computer.assets, "maps/a map.webp", b"map")
    return computer


def test_all_of_a_save_comes_back_as_it_was(furnished):
    before, bucket = furnished.tree(), furnished.bucket()
    save = furnished.save()
    assert save["files"] == 9
    furnished.write("Data/worlds/dragon/data/actors/000.ldb", b"changed")
    furnished.write("Data/worlds/another/world.json", "{}")
    furnished.write("Logs/debug.log", "b line\n")
    furnished.store.put(furnished.assets, "maps/a map.webp", b"pam")
    furnished.store.put(furnished.assets, "maps/another.webp", b"map")
    result = furnished.restore(save)
    assert result["restored"]["files"] == 8
    assert furnished.tree() == before
    assert furnished.bucket() == bucket
