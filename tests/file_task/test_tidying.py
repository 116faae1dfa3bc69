"""What is forgotten, and what a check finds."""

from __future__ import annotations

import shutil

import pytest

from tests.file_task.computer import WORLD

pytestmark = pytest.mark.slow


def packs(computer):
    return computer.store.keys("saves", f"repositories/{computer.repository}/data/")


def test_what_is_to_be_forgotten_goes_with_its_result_and_its_data(furnished):
    first = furnished.save("s1")
    furnished.play()
    second = furnished.save("s2")
    third = furnished.save("s3", forget=[first["snapshot"], "f" * 64])
    assert third["forgot"] == sorted([first["snapshot"], "f" * 64])
    kept = {s[key] for s in (second, third) for key in ("snapshot", "assetsSnapshot")}
    assert set(furnished.snapshots()) == kept
    assert furnished.result("s1") == {}
    assert third["repositoryBytes"] < first["repositoryBytes"] / 2
    shutil.rmtree(furnished.data / "Data")
    furnished.restore(second)
    assert (furnished.data / WORLD / "data/actors/000.ldb").read_bytes() == b"changed"


def test_a_snapshot_that_no_result_names_is_forgotten_by_the_next_save(furnished):
    furnished.save("s1")
    second = furnished.save("s2")
    del furnished.store.buckets["saves"][f"results/{furnished.repository}/s1.json"]
    third = furnished.save("s3")
    kept = {s[key] for s in (second, third) for key in ("snapshot", "assetsSnapshot")}
    assert set(furnished.snapshots()) == kept


def test_what_is_to_be_kept_is_kept_though_no_result_names_it(furnished):
    first = furnished.save("s1")
    del furnished.store.buckets["saves"][f"results/{furnished.repository}/s1.json"]
    furnished.save("s2", keep=[first["snapshot"]])
    assert len(furnished.snapshots()) == 4
    furnished.restore(first)


def test_forgetting_that_died_halfway_is_done_by_the_same_order(furnished):
    first = furnished.save("s1")
    del furnished.store.buckets["saves"][f"results/{furnished.repository}/s1.json"]
    second = furnished.save("s2", forget=[first["snapshot"]])
    assert second["forgot"] == [first["snapshot"]]
    assert len(furnished.snapshots()) == 2


def test_a_save_that_is_to_be_forgotten_is_not_the_one_that_is_made(furnished):
    first = furnished.save("s1")
    again = furnished.save("s1", forget=[first["snapshot"]])
    assert again["forgot"] == []
    assert len(furnished.snapshots()) == 2


def test_a_check_of_a_part_finds_nothing_where_nothing_is_wrong(furnished):
    furnished.save()
    assert furnished.save(check="3/8")["checked"] == {"part": "3/8", "problems": []}


def test_a_check_finds_what_is_not_as_it_was_written(furnished):
    furnished.save()
    bucket = furnished.store.buckets["saves"]
    largest = max(packs(furnished), key=lambda key: len(bucket[key].body))
    body = bytearray(bucket[largest].body)
    body[len(body) // 2] ^= 1
    furnished.store.put("saves", largest, bytes(body))
    checked = furnished.save(check="1/1")["checked"]
    assert 1 <= len(checked["problems"]) <= 20
    assert largest[-64:][:8] in " ".join(checked["problems"])


def test_a_check_finds_what_is_gone_whichever_part_is_read(furnished):
    furnished.save()
    bucket = furnished.store.buckets["saves"]
    largest = max(packs(furnished), key=lambda key: len(bucket[key].body))
    del bucket[largest]
    another = (
        int(largest[-64:][:2], 16) + 1
    ) % 8 + 1  # restic puts packs into parts by their first byte
    checked = furnished.save(check=f"{another}/8")["checked"]
    assert largest[-64:][:8] in " ".join(checked["problems"])


def test_what_goes_wrong_while_tidying_does_not_undo_the_save(furnished):
    no_room = 'if [ "$1" = check ]; then echo "no space left on device" >&2; exit 1; fi'
    furnished.tool("restic", no_room)
    order = {"do": "save", "run": "s1", "kind": "daily", "forget": [], "check": "1/8"}
    code, result, log = furnished.call(order)
    assert code == 0, log
    assert result["afterwards"]["failed"] == "no-space"
    assert result["snapshot"] in furnished.snapshots()
