"""What a save says of its packages, whatever their manifests are, and how far a task says it is."""

from __future__ import annotations

import json
import os
import time

import pytest

pytestmark = pytest.mark.slow


def by_id(save):
    return {package["id"]: package for package in save["packages"]}


def test_manifests_of_any_form_break_no_save(computer):
    """Old forms and broken ones, links and pipes; what can be known of each is shown, at a bounded length."""
    manifest = "Data/modules/{}/module.json"
    old = {"title": "Old", "version": 7, "minimumCoreVersion": "9", "compatibleCoreVersion": 10.291}
    new = {"minimum": "12", "verified": "13.351", "maximum": "14"}
    forms = {
        "old": json.dumps(old),
        "new": json.dumps({"title": "N" * 500, "version": "v" * 500, "compatibility": new}),
        "types": '{"title": {"a": 1}, "version": [], "compatibility": "13", "minimumCoreVersion": true}',
        "deep": "[" * 100_000,
        "digits": '{"version": ' + "9" * 10_000 + "}",
        "half": '{"title": "Half',
        "surrogate": '{"title": "\\ud800"}',
        "empty": "",
        "list": "[1]",
    }
    for name, text in forms.items():
        computer.write(manifest.format(name), text)
    computer.write(manifest.format("bytes"), b"\xff\xfe\x00")
    huge = computer.write(manifest.format("huge"), '{"title": "Huge"}')
    os.truncate(huge, 20_000_000)
    os.mkfifo(computer.write(manifest.format("pipe") + ".d").with_name("module.json"))
    computer.write(manifest.format("link") + ".d").with_name("module.json").symlink_to("/dev/zero")
    (computer.data / "Data/modules/linked").symlink_to("old")
    (computer.data / "Data/modules/file").write_text("no directory")
    computer.write("Data/worlds/w/world.json", '{"system": ["dnd5e"], "coreVersion": "13.351"}')
    began = time.monotonic()
    found = by_id(computer.save())
    assert time.monotonic() - began < 60
    assert set(found) == {*forms, "bytes", "huge", "w"}
    assert found["old"] == {
        "type": "module",
        "id": "old",
        "title": "Old",
        "version": "7",
        "minimum": "9",
        "verified": "10.291",
        "maximum": None,
    }
    assert found["new"] | new == found["new"]
    assert (len(found["new"]["title"]), len(found["new"]["version"])) == (100, 40)
    assert found["types"]["title"] is found["types"]["minimum"] is None
    assert (found["w"]["system"], found["w"]["coreVersion"]) == (None, "13.351")


def test_of_ten_thousand_packages_as_many_are_shown_as_fit(computer):
    text = json.dumps({"title": "ä" * 200, "version": "1" * 100})
    for number in range(10_000):
        computer.write(f"Data/modules/{'m' * 150}{number}/module.json", text)
    computer.write("Data/worlds/w/world.json", '{"title": "W"}')
    save = computer.save()
    assert 300 < len(save["packages"]) <= 1000
    assert by_id(save)["w"]["title"] == "W"
    result = computer.store.buckets["saves"][f"results/{computer.repository}/{save['run']}.json"]
    assert len(result.body) <= 300_000
    assert save["files"] == 10_001


def test_a_task_says_how_far_it_is(saved):
    computer, save = saved
    key = f"progress/{computer.repository}/{save['run']}.json"
    told = json.loads(computer.store.buckets["saves"][key].body)
    figures = {"files", "totalFiles", "bytes", "totalBytes", "secondsLeft"}
    assert set(told) == {"step", "at"} | figures
    assert told["step"] in ("assets", "files")
