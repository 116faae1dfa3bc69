"""A save, or a package of it, is packed into a zip in the bucket."""

from __future__ import annotations

import zipfile

import pytest

pytestmark = pytest.mark.slow


def exported(computer, tmp_path, save, run="e1", **what):
    order = {
        "do": "export",
        "run": run,
        "snapshot": save["snapshot"],
        "what": what or {"all": True},
    }
    code, result, log = computer.call(order)
    assert code == 0, log
    packed = computer.store.buckets["saves"][f"exports/{computer.repository}/{run}.zip"].body
    path = tmp_path / "export.zip"
    path.write_bytes(packed)
    assert result["exported"]["bytes"] == len(packed)
    return zipfile.ZipFile(path), result["exported"]["files"]


def test_all_of_a_save_is_in_the_zip_but_links(furnished, tmp_path):
    furnished.write("Data/worlds/dragon/scenes/a map.json", "{}")
    (furnished.data / "Data/leads-out").symlink_to("/etc")
    save = furnished.save()
    packed, files = exported(furnished, tmp_path, save)
    assert packed.testzip() is None
    assert packed.read("data/Data/worlds/dragon/scenes/a map.json") == b"{}"
    assert len(packed.namelist()) == files
    assert [name for name in packed.namelist() if name.startswith("assets/")]
    assert not [name for name in packed.namelist() if "leads-out" in name]


def test_one_world_is_in_the_zip_by_itself(furnished, tmp_path):
    packed, _ = exported(furnished, tmp_path, furnished.save(), world="dragon")
    assert packed.namelist()
    assert all(name.startswith("data/Data/worlds/dragon/") for name in packed.namelist())


def test_what_a_save_does_not_have_is_not_exported(furnished):
    order = {"do": "export", "run": "e1", "snapshot": furnished.save()["snapshot"]}
    code, result, _ = furnished.call(order | {"what": {"world": "none"}})
    assert (code, result["failed"]) == (1, "no-such-part")
    code, result, _ = furnished.call(
        {**order, "run": "e2", "snapshot": "0" * 64, "what": {"all": True}}
    )
    assert (code, result["failed"]) == (1, "no-such-save")
