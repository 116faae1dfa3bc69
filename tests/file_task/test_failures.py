"""What cannot be done is named, and changes nothing."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from tests.file_task.computer import PASSWORD, WORLD, Computer
from tests.file_task.object_store import KEY, SECRET

pytestmark = pytest.mark.slow
SAVE: dict[str, Any] = {
    "do": "save",
    "run": "failing",
    "kind": "after-stop",
    "forget": [],
    "check": None,
}


def test_a_server_without_saves_has_no_repository(computer):
    order = computer.order_to_restore({"snapshot": "0" * 64})
    assert computer.refused(order) == "no-repository"


def test_a_save_that_is_not_there_is_named(saved):
    computer, save = saved
    for snapshot in ("0" * 64, "latest", "", save["snapshot"][:8], save["assetsSnapshot"]):
        order = computer.order_to_restore({"snapshot": snapshot})
        assert computer.refused(order) == "no-such-save"


@pytest.mark.parametrize(
    "what", [{"world": "none"}, {"module": "../worlds/dragon"}, {"system": ".."}, {"world": ""}]
)
def test_a_part_that_is_not_there_is_named(saved, what):
    computer, save = saved
    assert computer.refused(computer.order_to_restore(save, **what)) == "no-such-part"


def test_another_password_is_named(saved):
    computer, save = saved
    order = computer.order_to_restore(save)
    assert computer.refused(order, RESTIC_PASSWORD="another") == "wrong-password"
    assert computer.refused(SAVE, RESTIC_PASSWORD="another") == "wrong-password"


def test_a_bucket_that_lets_nobody_in_is_named_once_it_does(furnished):
    """The result cannot be written there either: the task's exit code and log tell."""
    code, result, log = furnished.call(SAVE, AWS_ACCESS_KEY_ID="NOBODYS")
    assert (code, result) == (1, {})
    assert "unreachable: " in log


def test_an_address_at_which_nobody_answers_is_given_up_soon(furnished):
    code, result, log = furnished.call(SAVE, S3_ENDPOINT="http://127.0.0.1:9")
    assert (code, result) == (1, {})
    assert "unreachable: " in log


def test_a_bucket_of_assets_that_is_gone_is_none_to_save_and_refuses_what_has_to_go_there(
    furnished,
):
    del furnished.store.buckets[furnished.assets]
    without = furnished.save()
    assert without["assetsSnapshot"] is None
    furnished.store.buckets[furnished.assets] = {}
    empty = furnished.save()
    assert empty["assetsSnapshot"]
    furnished.store.put(furnished.assets, "a", b"a")
    furnished.restore(without)
    assert furnished.bucket() == {"a": b"a"}
    furnished.restore(empty)
    assert furnished.bucket() == {}
    del furnished.store.buckets[furnished.assets]
    code, result, _ = furnished.call(furnished.order_to_restore(empty))
    assert (code, result["failed"]) == (1, "unreachable")
    furnished.store.buckets[furnished.assets] = {}


def test_a_save_that_lacks_files_is_none(furnished):
    """restic says so by its exit code, and has made a snapshot all the same."""
    first = furnished.save()
    furnished.tool("restic", after='[ "$1" = backup ] && exit 3; exit $code')
    assert furnished.refused(SAVE) == "unreadable"
    assert set(furnished.snapshots()) == {first["snapshot"], first["assetsSnapshot"]}


def test_without_its_tools_nothing_is_done(furnished):
    code, _, log = furnished.call(SAVE, PATH="/nonexistent")
    assert code == 1
    assert "no-tools: " in log


def test_saves_that_are_damaged_change_nothing(furnished):
    save = furnished.save()
    bucket = furnished.store.buckets["saves"]
    prefix = f"repositories/{furnished.repository}/data/"
    largest = max(furnished.store.keys("saves", prefix), key=lambda key: len(bucket[key].body))
    body = bytearray(bucket[largest].body)
    body[len(body) // 2] ^= 1
    furnished.store.put("saves", largest, bytes(body))
    furnished.play()
    assert furnished.refused(furnished.order_to_restore(save)) == "damaged"


def test_a_repository_that_has_lost_its_config_is_not_made_anew(furnished):
    furnished.save()
    del furnished.store.buckets["saves"][f"repositories/{furnished.repository}/config"]
    assert furnished.refused(SAVE) == "damaged"


def test_a_repository_whose_making_died_is_made(furnished):
    furnished.store.put("saves", f"repositories/{furnished.repository}/keys/{'a' * 64}", b"half")
    furnished.save()


def test_too_little_room_for_the_files_is_named_and_given_back(small_disk, store):
    computer = Computer(small_disk / "server", store)
    computer.scratch = small_disk.parent / "scratch"
    computer.write(f"{WORLD}/large", os.urandom(1_200_000))
    save = computer.save()
    assert computer.refused(computer.order_to_restore(save)) == "no-space"


def test_too_little_room_for_the_assets_is_named(furnished, small_disk):
    furnished.scratch = small_disk / "scratch"
    furnished.store.put(furnished.assets, "large", os.urandom(3_000_000))
    assert furnished.refused(SAVE) == "no-space"


@pytest.mark.parametrize("order", ["", "{", "[]", "{}", '{"do": "erase", "run": "r"}'])
def test_an_order_that_is_none_is_refused(computer, order):
    code, log = computer.call_raw(order)
    assert code == 1
    assert "Such an order is not known." in log


def test_no_secret_is_shown(furnished):
    """Not in what is written, in the log or among the arguments of what is started, whatever fails."""
    arguments = furnished.root / "arguments"
    for name in ("restic", "rclone"):
        leak = 'echo "$RESTIC_PASSWORD $AWS_SECRET_ACCESS_KEY" >&2'
        failing = f'[ "$1" = check ] && {{ {leak}; exit 1; }}; exit $code'
        furnished.tool(name, f'echo "$@" >> {arguments}', failing)
    save = furnished.save()
    logs = [furnished.call(SAVE | {"check": "1/2"})[2]]
    logs.append(furnished.call(furnished.order_to_restore(save))[2])
    logs.append(furnished.call(furnished.order_to_restore(save), RESTIC_PASSWORD="another")[2])
    written = [
        found.body.decode()
        for key, found in furnished.store.buckets["saves"].items()
        if key.startswith(("results/", "progress/")) and furnished.repository in key
    ]
    assert len(written) >= 6
    assert "[hidden] [hidden]" in json.dumps(written)
    for text in (*logs, *written, arguments.read_text()):
        for secret in (PASSWORD, SECRET, KEY):
            assert secret not in text
