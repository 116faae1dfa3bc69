"""A world is opened at once where nothing has changed since Foundry last ended cleanly: real files, real shell."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actions.instances.worlds import said_by
from tests.container.machine import BUILD, OTHER_KEY, Machine
from tests.container.test_hostile_values import HOSTILE

WORLD = "crimson-throne"
OPTIONS = "data/Config/options.json"


def package(machine, kind, name, version="1.0.0", **more):
    text = json.dumps({"id": name, "version": version, **more}, indent=2)
    machine.write(f"data/Data/{kind}s/{name}/{kind}.json", text)


def world(machine, name=WORLD, **changes):
    values = {"id": name, "system": "dnd5e", "coreVersion": BUILD, "systemVersion": "5.3.3"}
    machine.write(f"data/Data/worlds/{name}/world.json", json.dumps(values | changes))


def furnish(machine):
    package(machine, "system", "dnd5e", "5.3.3")
    package(machine, "module", "dice-so-nice", "5.1.0")
    world(machine)


def evening(machine, *, stop=signal.SIGTERM, **variables):
    """A run of Foundry that is asked to end, or killed; returns its log."""
    up = machine.root / "data/up"
    up.unlink(missing_ok=True)
    container = machine.begin_play(**variables)
    machine.wait_for("data/up")
    container.send_signal(stop)
    log, _ = container.communicate(timeout=60)
    return log


def arrive(machine, name=WORLD, **variables):
    """What the first container says of the world, and what Foundry is then started with."""
    machine.next_task()
    code, log = machine.prepare(WORLD=name, **variables)
    assert code == 0, log
    code, said = machine.play()
    assert code == 0, said
    arguments = (machine.root / "data/arguments").read_text().splitlines()
    opened = [a.removeprefix("--world=") for a in arguments if a.startswith("--world=")]
    why = said_by(log)
    assert bool(opened) is (why is None), (log, opened)
    return opened[0] if opened else why


@pytest.fixture
def image():
    """One generation of the image, unless a test asks for both: what differs between them is how they end."""
    return "2026"


@pytest.fixture
def played(machine):
    """A server on which was played, and which has ended cleanly."""
    furnish(machine)
    assert machine.prepare()[0] == 0
    evening(machine)
    return machine


@pytest.mark.parametrize("image", ["2024", "2026"])
def test_a_world_is_opened_where_nothing_has_changed(played):
    assert arrive(played) == WORLD


def test_without_a_wish_nothing_is_opened_and_nothing_said(played):
    played.next_task()
    code, log = played.prepare()
    assert (code, log) == (0, "")
    played.play()
    assert "--world" not in (played.root / "data/arguments").read_text()


def test_the_first_start_begins_at_the_setup_screen_and_says_so(machine):
    furnish(machine)
    assert "ended cleanly" in arrive(machine)


def test_a_world_that_is_not_there_is_said_to_be_missing(played):
    assert arrive(played, "another") == "there is no world another"


@pytest.mark.parametrize("name", ["..", "../worlds/crimson-throne", "a b", "$(touch x)", "a\n"])
def test_a_name_that_no_world_has_is_refused(played, name):
    assert arrive(played, name) == "no world can be called so"


def test_another_build_of_foundry_is_not_let_at_a_world_unasked(played):
    played.release(played.root / "releases/foundryvtt-13.360.zip")
    (played.root / "home/image_version.txt").write_text("13.360.0\n")
    played.variables["FOUNDRY_VERSION"] = "13.360"
    assert arrive(played) == "Foundry was 13.351 and is 13.360"


CHANGES = {
    "a module in another version": (
        lambda machine: package(machine, "module", "dice-so-nice", "5.2.0"),
        "the module dice-so-nice is not what it was",
    ),
    "a module more": (
        lambda machine: package(machine, "module", "a-new-one"),
        "the module a-new-one is not what it was",
    ),
    "a module less": (
        lambda machine: shutil.rmtree(machine.root / "data/Data/modules/dice-so-nice"),
        "the module dice-so-nice is not what it was",
    ),
    "a system in another version": (
        lambda machine: package(machine, "system", "dnd5e", "6.0.0"),
        "the system dnd5e is not what it was",
    ),
    "no system": (
        lambda machine: shutil.rmtree(machine.root / "data/Data/systems"),
        "the system dnd5e is not what it was",
    ),
    "the world itself": (
        lambda machine: world(machine, coreVersion="12.331"),
        "the world crimson-throne is not what it was",
    ),
    "a world that cannot be read": (
        lambda machine: machine.write(f"data/Data/worlds/{WORLD}/world.json", "{"),
        "its files cannot be read",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_has_changed_since_is_named(played, change):
    does, why = CHANGES[change]
    does(played)
    assert arrive(played) == why


@pytest.mark.parametrize("text", ["[]", "null", '"a"', "", "{} {}", "\0"])
def test_a_world_whose_manifest_is_none_is_not_opened(machine, text):
    furnish(machine)
    machine.write(f"data/Data/worlds/{WORLD}/world.json", text)
    machine.prepare()
    evening(machine)
    assert arrive(machine) == "its files cannot be read"


def test_what_changed_of_another_world_is_of_no_concern(played):
    world(played, "another", coreVersion="12.331")
    assert arrive(played) == WORLD


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"coreVersion": "12.331"}, "it was last opened in Foundry 12.331"),
        ({"systemVersion": "4.4.0"}, "its system was 4.4.0 and is 5.3.3"),
        ({"system": "../dnd5e"}, "its system was 5.3.3 and is "),
    ],
)
def test_a_world_that_was_not_opened_since_an_update_is_left_to_the_setup_screen(
    machine, changes, why
):
    furnish(machine)
    world(machine, **changes)
    machine.prepare()
    evening(machine)
    assert arrive(machine) == why


@pytest.mark.parametrize("image", ["2024", "2026"])
@pytest.mark.parametrize("code", [0, 1, 137])
def test_after_a_crash_nothing_is_opened(played, code):
    played.next_task()
    played.prepare()
    played.play(code)
    assert "ended cleanly" in arrive(played)


def test_after_a_kill_nothing_is_opened(played):
    played.next_task()
    played.prepare()
    (played.root / "data/up").unlink()
    container = played.begin_play()
    played.wait_for("data/up")
    container.kill()  # the container's first process; Foundry's group is its own
    os.killpg(int((played.root / "data/pid").read_text()), signal.SIGKILL)
    container.communicate(timeout=60)
    assert "ended cleanly" in arrive(played)


def test_a_clean_stop_after_a_crash_counts_again(played):
    played.next_task()
    played.prepare()
    played.play(1)
    played.next_task()
    played.prepare()
    evening(played)
    assert arrive(played) == WORLD


def test_a_start_that_never_came_to_foundry_changes_nothing(played):
    own = {"FOUNDRY_USERNAME": "ada", "FOUNDRY_PASSWORD": "x", "PLAYED_PASSWORD": "y"}
    played.next_task()
    shutil.rmtree(played.root / "home/resources")
    played.prepare()
    cache = str(played.root / "data/container_cache")
    code, _ = played.play(CONTAINER_CACHE=cache, **own)
    assert code != 0
    assert arrive(played) == WORLD


def test_a_world_that_a_member_has_set_in_foundry_gives_way_to_the_platforms(played):
    options = played.json(OPTIONS)
    played.write(OPTIONS, json.dumps(options | {"world": "mine"}))
    played.prepare()
    assert played.json(OPTIONS)["world"] == "mine"
    arrive(played, "another")
    assert played.json(OPTIONS)["world"] is None


def test_a_borrowed_key_has_no_part_in_it(played):
    played.next_task()
    played.prepare(OTHER_KEY)
    evening(played, LICENSE_BORROWED="true")
    assert arrive(played) == WORLD


def test_the_world_is_in_no_file_of_the_members_once_it_was_opened(played):
    arrive(played)
    assert WORLD not in (played.root / OPTIONS).read_text()


def test_a_pipe_or_a_loop_among_the_packages_holds_nothing_up(played):
    modules = played.root / "data/Data/modules"
    (modules / "pipe").mkdir()
    os.mkfifo(modules / "pipe/module.json")
    (modules / "loop").symlink_to(modules)
    assert arrive(played) == WORLD


def test_thousands_of_packages_take_seconds(tmp_path):
    machine = Machine(tmp_path, ["sh"])
    machine.release(tmp_path / f"releases/foundryvtt-{BUILD}.zip")
    machine.variables["RELEASE_WAIT_SECONDS"] = "0"
    furnish(machine)
    for number in range(3000):
        package(machine, "module", f"module-{number}", description="x" * 2000)
        machine.write(f"data/Data/modules/module-{number}/lang/en.json", "{}")
    machine.prepare()
    evening(machine)
    machine.next_task()
    began = time.monotonic()
    assert machine.prepare(WORLD=WORLD) == (0, "")
    assert time.monotonic() - began < 5
    assert (tmp_path / "prepared/world").read_text() == WORLD
    package(machine, "module", "module-2999", "2.0.0")
    assert arrive(machine) == "the module module-2999 is not what it was"


hostile = [text for text in HOSTILE if text and "/" not in text]
names = st.one_of(
    st.sampled_from(hostile),
    st.text(st.characters(exclude_characters="\0/", codec="utf-8"), min_size=1, max_size=20),
).filter(lambda name: name not in (".", ".."))


@settings(max_examples=12, deadline=None)
@given(
    names=st.lists(names, max_size=4, unique=True),
    version=st.one_of(st.sampled_from(HOSTILE), names),
)
def test_names_and_versions_of_packages_are_nothing_but_data(names, version):
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        mark = str(root / "mark")
        machine = Machine(root, ["sh"])
        machine.release(root / f"releases/foundryvtt-{BUILD}.zip")
        machine.variables["RELEASE_WAIT_SECONDS"] = "0"
        version = version.replace("{mark}", mark)
        package(machine, "system", "dnd5e", version)
        world(machine, systemVersion=version)
        for name in names:
            package(machine, "module", name.replace("{mark}", "mark")[:80], version)
        machine.prepare()
        evening(machine)
        said = arrive(machine)
        assert said == WORLD or said.startswith("its system was "), said
        package(machine, "module", "one-more", version)
        machine.next_task()
        _, log = machine.prepare(WORLD=WORLD)
        assert "\n" not in log.rstrip("\n")
        assert not Path(mark).exists()
        assert not (root / "home/mark").exists()
