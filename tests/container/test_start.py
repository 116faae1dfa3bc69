"""What a server starts with besides its licence: options, admin key, credentials, host name, release."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from typing import Any

import pytest

from tests.container.machine import BUILD, KEY, Machine

OPTIONS = "data/Config/options.json"
ARCHIVE = f"foundryvtt-{BUILD}.zip"


def first_line(container: subprocess.Popen[str]) -> str:
    assert container.stdout
    return container.stdout.readline()


def start(machine, **options):
    machine.next_task()
    owned = {"hostname": "ada.play.example", "proxySSL": True, "awsConfig": "/prepared/aws.json"}
    code, log = machine.prepare(OPTIONS=json.dumps(owned | options))
    assert code == 0, log
    code, log = machine.play()
    assert code == 0, log
    return log


def test_what_a_member_set_stays_and_what_the_platform_owns_is_merged_into_it(machine):
    start(machine)
    mine = {"world": "my-world", "language": "de", "hostname": "old.example", "proxySSL": False}
    machine.write(OPTIONS, json.dumps(machine.json(OPTIONS) | mine))
    start(machine, passwordSalt=None)
    found = machine.json(OPTIONS)
    assert (found["world"], found["language"]) == ("my-world", "de")
    assert (found["hostname"], found["proxySSL"]) == ("ada.play.example", True)
    assert found["awsConfig"] == "/prepared/aws.json"
    assert found["proxyPort"] == 443


@pytest.mark.parametrize("left", ["", "{", "[]", '"text"', "{} {}"])
def test_options_that_cannot_be_read_are_put_aside_and_made_anew(machine, left):
    machine.write(OPTIONS, left)
    start(machine)
    assert machine.json(OPTIONS)["hostname"] == "ada.play.example"
    assert (machine.root / f"{OPTIONS}.unreadable").read_text() == left


def test_a_new_admin_key_reaches_a_server_that_has_started_before(machine):
    start(machine)
    before = (machine.root / "data/Config/admin.txt").read_text()
    machine.next_task()
    machine.prepare()
    machine.play(FOUNDRY_ADMIN_KEY="another")
    assert (machine.root / "data/Config/admin.txt").read_text() != before


def test_foundry_finds_its_credentials_for_s3(machine):
    start(machine)
    assert machine.json("prepared/aws.json") == {"region": "eu"}
    assert (machine.root / "prepared/aws.json").stat().st_mode & 0o077 == 0


@pytest.mark.skipif(shutil.which("node") is None, reason="Node.js is not installed")
@pytest.mark.parametrize(
    "ask", ["require('os').hostname()", "(await import('node:os')).hostname()"]
)
def test_the_host_name_is_the_same_from_start_to_start(machine, ask):
    seen = set()
    for _ in range(2):
        machine.next_task()
        assert machine.prepare(HOST_NAME="foundry-0a1b2c")[0] == 0
        option = f"--require={machine.root / 'prepared/host-name.cjs'}"
        machine.play(NODE_OPTIONS=option)
        assert f"NODE_OPTIONS={option}\n" in (machine.root / "data/environment").read_text()
        kind = "commonjs" if ask.startswith("require") else "module"
        command = ["node", f"--input-type={kind}", "--eval", f"console.log({ask})"]
        said = subprocess.run(
            command, env={"NODE_OPTIONS": option}, capture_output=True, text=True, check=True
        )
        seen.add(said.stdout.strip())
    assert seen == {"foundry-0a1b2c"}


def test_the_host_name_can_be_left_as_it_is(machine):
    assert machine.prepare(HOST_NAME="")[0] == 0
    assert not (machine.root / "prepared/host-name.cjs").exists()


def test_a_release_that_is_there_needs_no_login(machine):
    start(machine)
    assert machine.calls.read_text() == ""
    assert (machine.root / "cache" / ARCHIVE).exists()


def test_no_task_writes_to_the_releases_of_all(machine):
    releases = machine.root / "releases"
    before = {path.name: path.read_bytes() for path in releases.iterdir()}
    start(machine)
    assert {path.name: path.read_bytes() for path in releases.iterdir()} == before


def test_a_release_that_is_being_fetched_is_waited_for(tmp_path, shell):
    machine = Machine(tmp_path, shell)
    given = {"LICENSE_KEY": KEY, "AWS_CONFIG": "{}", "OPTIONS": "{}", "RELEASE_WAIT_SECONDS": "60"}
    container = machine.start("prepare", **given)
    assert first_line(container) == f"Waiting for {ARCHIVE} to be fetched.\n"
    machine.release(tmp_path / ARCHIVE).rename(tmp_path / "releases" / ARCHIVE)
    container.communicate(timeout=30)
    assert container.returncode == 0
    assert (tmp_path / "cache" / ARCHIVE).exists()


def test_a_release_that_nobody_fetched_ends_the_start_before_the_key_is_on_the_disk(
    tmp_path, shell
):
    machine = Machine(tmp_path, shell)
    code, log = machine.prepare(RELEASE_WAIT_SECONDS="0")
    assert (code, log) == (69, f"{ARCHIVE} was not fetched within 0 s.\n")
    assert list((tmp_path / "data").iterdir()) == []


def test_who_waits_for_a_release_can_be_stopped(tmp_path, shell):
    machine = Machine(tmp_path, shell)
    container = machine.start("prepare", RELEASE_WAIT_SECONDS="600")
    first_line(container)
    container.send_signal(signal.SIGTERM)
    container.communicate(timeout=30)
    assert container.returncode == 143


OWN: Any = {"FOUNDRY_USERNAME": "ada", "FOUNDRY_PASSWORD": "secret"}


def test_a_members_own_account_fetches_to_the_members_own_disk_and_only_once(
    tmp_path, shell, image
):
    machine = Machine(tmp_path, shell, image)
    own: Any = OWN | {"CONTAINER_CACHE": str(tmp_path / "data/container_cache")}
    for _ in range(2):
        machine.next_task()
        assert machine.prepare()[0] == 0
        code, log = machine.play(**own)
        assert code == 0, log
        assert machine.calls.read_text() == f"login ada\naddress {BUILD}\n"
    assert list((tmp_path / "releases").iterdir()) == []


def test_failed_starts_do_not_make_the_next_one_wait(tmp_path, shell):
    machine = Machine(tmp_path, shell, "2026")
    own: Any = OWN | {"CONTAINER_CACHE": str(tmp_path / "data/container_cache")}
    machine.prepare()
    assert machine.play(PLAYED_PASSWORD="changed", **own)[0] == 1
    assert (tmp_path / "data/container_cache/backoff_state.json").exists()
    machine.prepare()
    assert not (tmp_path / "data/container_cache/backoff_state.json").exists()


def test_the_task_ends_only_when_foundry_has_saved_its_world(machine):
    machine.prepare()
    container = machine.begin_play()
    machine.wait_for("data/up")
    container.send_signal(signal.SIGTERM)
    container.communicate(timeout=30)
    assert (machine.root / "data/world").read_text() == "saved\n"


def test_how_foundry_ended_is_how_the_container_ends(tmp_path, shell):
    machine = Machine(tmp_path, shell, "2026")
    machine.release(tmp_path / "cache" / ARCHIVE)
    machine.prepare()
    assert machine.play(7)[0] == 7


@pytest.mark.parametrize(("age", "stays"), [(600, False), (180, False), (0, True), (20, True)])
def test_a_lock_that_nobody_touches_any_more_goes_and_a_live_ones_stays(machine, age, stays):
    lock = machine.root / "data/Config/options.json.lock"
    lock.mkdir(parents=True)
    (lock / "what-somebody-put-there").touch()
    os.utime(lock, (time.time() - age,) * 2)
    code, log = machine.prepare()
    assert code == 0, log
    assert lock.exists() is stays
    assert ("Removing a lock" in log) is not stays


def test_what_is_half_put_back_is_not_opened(machine):
    machine.write("data/.restoring/plan.json", "{}")
    assert machine.prepare() == (70, "The files are being put back.\n")
    assert not (machine.root / "data/Config").exists()


def test_what_was_only_laid_out_to_be_put_back_stops_nobody(machine):
    machine.write("data/.restoring/new/Config/options.json", "{}")
    assert machine.prepare()[0] == 0


def test_without_a_lock_nothing_is_said_of_one(machine):
    _, log = machine.prepare()
    assert log == ""
