"""What is saved comes back as it was: restic, rclone and the program itself, run as a task runs them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.file_task.computer import WORLD, Computer

pytestmark = pytest.mark.slow


def test_all_of_a_save_comes_back_as_it_was(furnished):
    before, bucket = furnished.tree(), furnished.bucket()
    save = furnished.save()
    furnished.play()
    result = furnished.restore(save, run="r1")
    restored = {"files": 8, "bytes": save["bytes"] - len(b"map")}
    at = result.pop("at")
    assert result == {
        "do": "restore",
        "run": "r1",
        "snapshot": save["snapshot"],
        "restored": restored,
    }
    assert at >= save["at"]
    assert furnished.tree() == before
    assert furnished.bucket() == bucket
    assert not list(furnished.data.glob(".restoring*"))


def test_a_save_says_what_it_holds(furnished):
    result = furnished.save("r1")
    assert len(result.pop("snapshot")) == len(result.pop("assetsSnapshot")) == 64
    assert result.pop("at") > 0
    assert result.pop("addedBytes") > 200_000
    assert result.pop("repositoryBytes") > 200_000
    sizes = [p.stat().st_size for p in furnished.data.rglob("*") if p.is_file()]
    left_out = len('{"license": "AAAA"}' + "hash" + "zip")
    package = {"minimum": None, "verified": None, "maximum": None}
    assert result == {
        "do": "save",
        "run": "r1",
        "bytes": sum(sizes) - left_out + len(b"map"),
        "files": 9,
        "build": "13.351",
        "clean": True,
        "packages": [
            {
                "type": "world",
                "id": "dragon",
                "title": "Dragon",
                "version": None,
                "system": "dnd5e",
                "coreVersion": None,
                **package,
            },
            {"type": "system", "id": "dnd5e", "title": "5e", "version": "5.3.3", **package},
            {"type": "module", "id": "dice", "title": "Dice", "version": "1", **package},
        ],
        "forgot": [],
        "checked": None,
    }


def test_a_second_save_of_the_same_files_adds_next_to_nothing(furnished):
    furnished.save()
    again = furnished.save()
    assert again["files"] == 9
    assert again["addedBytes"] < 5_000


@pytest.mark.parametrize("kind", ["world", "module", "system"])
def test_a_package_comes_back_alone(furnished, kind):
    place = {"world": WORLD, "module": "Data/modules/dice", "system": "Data/systems/dnd5e"}[kind]
    before = furnished.tree(place)
    save = furnished.save()
    furnished.play()
    furnished.write(f"{place}/another-file", "new")
    others = {p: v for p, v in furnished.tree().items() if not p.startswith(place.encode())}
    bucket = furnished.bucket()
    furnished.restore(save, **{kind: place.rpartition("/")[2]})
    assert furnished.tree(place) == before
    assert furnished.bucket() == bucket
    others.pop(b"Config/clean-stop")
    touched = (b"Config", os.path.dirname(place).encode(), place.encode())
    after = {p: v for p, v in furnished.tree().items() if not p.startswith(place.encode())}
    for tree in (others, after):
        for path in touched:
            tree.pop(path, None)
    assert after == others


def test_what_no_save_holds_stays_as_it_is(furnished):
    save = furnished.save()
    furnished.write("Config/license.json", '{"license": "BBBB"}')
    furnished.write("Config/admin.txt", "other")
    furnished.write("Config/options.json.new", "half")
    furnished.write("Config/options.json.lock/x", "")
    furnished.write("Config/signatures/one.json", '{"changed": true}')
    furnished.write("Config/signatures/two.json", '{"later": true}')
    furnished.write("container_cache/release.zip", b"newer")
    furnished.restore(save)
    text = {
        p: (furnished.data / p).read_text() for p in ("Config/license.json", "Config/admin.txt")
    }
    assert text == {"Config/license.json": '{"license": "BBBB"}', "Config/admin.txt": "other"}
    assert (furnished.data / "Config/options.json.new").exists()
    assert (furnished.data / "Config/options.json.lock/x").exists()
    assert (furnished.data / "Config/signatures/one.json").read_text() == "{}"
    assert (furnished.data / "Config/signatures/two.json").read_text() == '{"later": true}'
    assert (furnished.data / "container_cache/release.zip").read_bytes() == b"newer"


def test_no_save_holds_the_licence_or_the_admin_key(saved):
    computer, save = saved
    listed = computer.restic("ls", save["snapshot"]).stdout
    assert "/Config/options.json" in listed
    for left_out in ("license", "admin.txt", "container_cache", ".lock", ".new"):
        assert left_out not in listed


def test_what_is_called_alike_elsewhere_is_saved(furnished):
    alike = f"{WORLD}/Config/license.json"
    furnished.write(alike, "a map's licence")
    furnished.write("Data/container_cache/a", "a")
    save = furnished.save()
    (furnished.data / alike).unlink()
    shutil.rmtree(furnished.data / "Data/container_cache")
    furnished.restore(save)
    assert (furnished.data / alike).read_text() == "a map's licence"
    assert (furnished.data / "Data/container_cache/a").exists()


def test_a_server_that_has_never_run_can_be_saved_and_comes_back_empty(computer):
    save = computer.save()
    assert (save["clean"], save["build"], save["packages"]) == (None, None, [])
    computer.furnish()
    computer.restore(save)
    there = {path for path in computer.tree() if not path.startswith(b"container_cache")}
    stays = {b"Config", b"Config/license.json", b"Config/admin.txt", b"Config/signatures"}
    assert there == stays | {b"Config/signatures/one.json"}
    assert computer.bucket() == {}


def test_an_end_that_was_not_clean_is_none_after_a_restore_either(furnished):
    (furnished.data / "Config/clean-stop").unlink()
    save = furnished.save()
    assert (save["clean"], save["build"]) == (False, None)
    furnished.write("Config/clean-stop", "13.351\n")
    furnished.restore(save)
    assert not (furnished.data / "Config/clean-stop").exists()


def test_a_save_comes_back_in_other_directories_and_another_bucket(saved, tmp_path):
    computer, save = saved
    other = Computer(tmp_path / "elsewhere [1]*", computer.store)
    other.repository = computer.repository
    other.restore(save)
    kept = (b"container_cache", b"Config/license.json", b"Config/admin.txt")
    wanted = {p: v for p, v in computer.tree().items() if not p.startswith(kept)}
    assert other.tree() == wanted
    assert other.bucket() == computer.bucket()
    again = other.save()
    assert again["files"] == save["files"]
    assert again["addedBytes"] < 10_000


def awkward(computer: Computer) -> None:
    """Files as nobody would make them."""
    top = os.fsencode(computer.data / WORLD)
    names = [b"a\nb", b"\xff\xfe", b"x" * 255, b" ", b"-n", b"*?[a]\\", "ä😀".encode(), b"'\"$(x)"]
    for name in names:
        Path(os.fsdecode(os.path.join(top, name))).write_bytes(name)
    (computer.data / WORLD / "zeros").write_bytes(bytes(3_000_000))
    with open(computer.data / WORLD / "sparse", "wb") as sparse:
        sparse.truncate(50_000_000)
    computer.write(f"{WORLD}/nothing", b"")
    computer.write(f"{WORLD}/modes/set", "x", 0o4751)
    computer.write(f"{WORLD}/modes/only-read", "x", 0o400)
    (computer.data / WORLD / "empty").mkdir(mode=0o711)
    os.link(computer.data / WORLD / "nothing", computer.data / WORLD / "linked")
    os.utime(computer.data / WORLD / "nothing", ns=(1, 1))


def test_awkward_names_sizes_and_modes_come_back(furnished):
    awkward(furnished)
    (furnished.data / "Data/locked").mkdir(mode=0o555)
    (furnished.data / "Locked").mkdir(mode=0o500)
    before = furnished.tree()
    save = furnished.save()
    shutil.rmtree(furnished.data / "Data")
    furnished.restore(save)
    assert furnished.tree() == before


def test_links_stay_links_and_nothing_outside_is_written(furnished, tmp_path):
    outside = tmp_path / "outside"
    (outside / "modules").mkdir(parents=True)
    (outside / "file").write_text("mine")
    (furnished.data / "Data/modules/linked").symlink_to(outside)
    (furnished.data / "Data/one").symlink_to(outside / "file")
    (furnished.data / "Data/loop").symlink_to(".")
    (furnished.data / "Data/nowhere").symlink_to("/nonexistent")
    before = furnished.tree()
    save = furnished.save()
    assert save["files"] == 9
    # Since then directories have become links that lead outside, and links directories.
    shutil.rmtree(furnished.data / "Data")
    (furnished.data / "Data").symlink_to(outside)
    shutil.rmtree(furnished.data / "Logs")
    (furnished.data / "Logs").symlink_to(outside)
    refused = furnished.refused(furnished.order_to_restore(save, module="dice"))
    assert refused == "unexpected"
    furnished.restore(save)
    assert furnished.tree() == before
    assert sorted(p.name for p in outside.rglob("*")) == ["file", "modules"]
    assert (outside / "file").read_text() == "mine"


def test_ten_thousand_small_files_come_back(computer):
    for number in range(10_000):
        computer.write(f"Data/worlds/w/{number % 100}/{number}", str(number))
    before = computer.tree()
    save = computer.save()
    shutil.rmtree(computer.data / "Data")
    assert computer.restore(save)["restored"]["files"] == 10_000
    assert computer.tree() == before


def test_a_name_is_no_pattern(furnished):
    furnished.write("Data/modules/dic?/module.json", "{}")
    save = furnished.save()
    furnished.restore(save, module="dic?")
    assert furnished.refused(furnished.order_to_restore(save, module="d*")) == "no-such-part"


def test_an_order_that_was_carried_out_is_not_carried_out_again(furnished):
    save = furnished.save("s1")
    result = furnished.restore(save, "r1")
    furnished.play()
    after = furnished.tree()
    assert furnished.restore(save, "r1") == result
    assert furnished.tree() == after
    assert furnished.save("s1")["snapshot"] == save["snapshot"]
    assert len(furnished.snapshots()) == 2
