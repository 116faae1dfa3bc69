"""The licence file on a member's disk: really written by the shell, read by the played image."""

from __future__ import annotations

import json
import signal

import pytest

from tests.container.machine import KEY, OTHER_KEY

PLAIN, OTHER_PLAIN = KEY.replace("-", ""), OTHER_KEY.replace("-", "")
LICENSE = "data/Config/license.json"


def evening(machine, key=KEY, **variables):
    """A run from its preparation to its end."""
    machine.next_task()
    assert machine.prepare(key)[0] == 0
    code, log = machine.play(**variables)
    assert code == 0, log
    return machine.json("data/license-seen.json")


def on_disk(machine, key):
    files = [path for path in (machine.root / "data").rglob("*") if path.is_file()]
    texts = [path.read_text() for path in files if path.name != "license-seen.json"]
    return any(key.replace("-", "") in text.replace("-", "") for text in texts)


def test_the_first_start_has_the_runs_key_without_dashes(machine):
    assert evening(machine) == {"license": PLAIN}


def test_another_run_on_the_same_key_keeps_foundrys_signature(machine):
    machine.write("data/sign", "")
    evening(machine)
    assert evening(machine) == {"license": PLAIN, "host": "h", "signature": f"signed-{PLAIN}"}


def test_another_key_replaces_the_one_on_the_disk(machine):
    machine.write("data/sign", "")
    evening(machine)
    assert evening(machine, OTHER_KEY) == {"license": OTHER_PLAIN}
    assert on_disk(machine, OTHER_KEY)
    assert not (machine.root / "data/Config/signatures" / PLAIN).exists()


def test_who_comes_back_to_a_key_need_not_sign_again(machine):
    machine.write("data/sign", "")
    evening(machine)
    evening(machine, OTHER_KEY)
    assert evening(machine)["signature"] == f"signed-{PLAIN}"


def test_a_borrowed_key_leaves_the_disk_with_the_run(machine):
    seen = evening(machine, LICENSE_BORROWED="true")
    assert seen == {"license": PLAIN}
    assert not on_disk(machine, KEY)


def test_an_own_key_stays_on_its_owners_disk(machine):
    evening(machine)
    assert machine.json(LICENSE) == {"license": PLAIN}


@pytest.mark.parametrize("code", [1, 137])
def test_a_borrowed_key_leaves_the_disk_after_a_crash_of_foundry(machine, code):
    machine.next_task()
    machine.prepare()
    machine.play(code, LICENSE_BORROWED="true")
    assert not on_disk(machine, KEY)


def test_a_borrowed_key_leaves_the_disk_when_the_task_is_stopped(machine):
    machine.prepare()
    container = machine.begin_play(LICENSE_BORROWED="true")
    machine.wait_for("data/up")
    container.send_signal(signal.SIGTERM)
    container.communicate(timeout=30)
    assert not on_disk(machine, KEY)


def test_a_borrowed_key_left_by_a_killed_task_leaves_the_disk_at_the_next_start(machine):
    machine.prepare()  # and then the machine under the task was gone
    machine.next_task()
    machine.prepare(OTHER_KEY)
    assert not on_disk(machine, KEY)


def test_the_signature_of_an_own_key_outlives_its_file_once_foundry_has_ended_cleanly(machine):
    """As when a save, which holds no licence, is put back where there was nothing."""
    machine.write("data/sign", "")
    evening(machine)
    machine.next_task()
    machine.prepare()
    (machine.root / "data/up").unlink(missing_ok=True)
    container = machine.begin_play()
    machine.wait_for("data/up")
    container.send_signal(signal.SIGTERM)
    container.communicate(timeout=30)
    assert machine.json(LICENSE)["license"] == PLAIN
    (signature,) = (machine.root / "data/Config/signatures").iterdir()
    assert "license" not in json.loads(signature.read_text())
    (machine.root / LICENSE).unlink()
    assert evening(machine)["signature"] == f"signed-{PLAIN}"


@pytest.mark.parametrize("left", ["", "{", "[]", '{"license": 7}', "null"])
def test_a_licence_file_that_cannot_be_read_is_replaced(machine, left):
    machine.write(LICENSE, left)
    assert evening(machine) == {"license": PLAIN}


@pytest.mark.parametrize("left", ["", "{", "[]"])
def test_a_signature_that_cannot_be_read_is_given_up(machine, left):
    evening(machine)
    evening(machine, OTHER_KEY)
    (signature,) = (machine.root / "data/Config/signatures").iterdir()
    signature.write_text(left)
    assert evening(machine) == {"license": PLAIN}
