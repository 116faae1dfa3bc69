"""However a task ends: no save is lost or half, and the files are wholly old or wholly new.

It is killed with all that it has started, at random moments and before each single step that changes something.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import time
from typing import Any

import pytest

from tests import proof
from tests.file_task.computer import WORLD, Computer, Tree
from tests.file_task.killing import SECTION, SIZES, duration, interrupted, kill_when, steps_of

pytestmark = pytest.mark.slow
KEPT = (b"container_cache", b"Config/license.json", b"Config/admin.txt")


def saved_part(tree: Tree) -> Tree:
    """What a save holds of it."""
    return {path: seen for path, seen in tree.items() if not path.startswith(KEPT)}


def noted(computer: Computer) -> dict[str, Any]:
    """The saves that results name."""
    keys = computer.store.keys("saves", f"results/{computer.repository}/")
    found = [computer.result(key.rpartition("/")[2].removesuffix(".json")) for key in keys]
    return {result["run"]: result for result in found if "snapshot" in result}


def laid_out(computer: Computer, save: dict[str, Any]) -> Tree:
    """What restic itself makes of a save."""
    target = computer.root / "laid-out"
    shutil.rmtree(target, ignore_errors=True)
    computer.restic("restore", "--no-lock", save["snapshot"], "--target", str(target))
    other = Computer.__new__(Computer)
    other.data = target
    return other.tree()


@pytest.mark.parametrize("times", SIZES)
def test_a_save_that_is_ended_at_any_moment_loses_none_and_leaves_none_half(furnished, times):
    chance = random.Random(times)  # noqa: S311
    trees = {"s": saved_part(furnished.tree())}
    longest = duration(lambda: furnished.save("s")) * 1.1
    ended = {signal.SIGKILL: 0, signal.SIGTERM: 0}
    for number in range(times):
        furnished.write(f"{WORLD}/data/actors/000.ldb", chance.randbytes(300_000))
        run = f"s{number}"
        trees[run] = saved_part(furnished.tree())
        there = noted(furnished)
        oldest = sorted(there.values(), key=lambda save: save["at"])[:-2]
        forget = [save["snapshot"] for save in oldest]
        order = {"do": "save", "run": run, "kind": "daily", "forget": forget, "check": None}
        by, has_ended = interrupted(furnished.start(order), chance.uniform(0, longest), number)
        ended[by] += has_ended
        after = noted(furnished)
        assert set(there) - {save["run"] for save in oldest} <= set(after)
        assert set(after) <= set(there) | {run}
        named = {s[key] for s in after.values() for key in ("snapshot", "assetsSnapshot")}
        assert named <= set(furnished.snapshots())
        checked = furnished.restic("check", "--no-lock", "--read-data")
        assert checked.returncode == 0, checked.stdout + checked.stderr
        some = chance.choice(sorted(after))
        assert laid_out(furnished, after[some]) == trees[some]
    last = furnished.save("last")
    trees["last"] = saved_part(furnished.tree())
    kept = noted(furnished)
    assert {s[key] for s in kept.values() for key in ("snapshot", "assetsSnapshot")} == set(
        furnished.snapshots()
    )
    for run, save in kept.items():
        assert laid_out(furnished, save) == trees[run]
    assert last["files"] == 9
    proof.record(
        SECTION,
        f"{times} saves, {ended[signal.SIGKILL]} killed with all they had started and {ended[signal.SIGTERM]} asked"
        f" to end: every save that was noted is there, byte for byte; restic finds nothing wrong",
        cases=times,
    )


class Evening:
    """A server with a save, on which was played since."""

    def __init__(self, computer: Computer) -> None:
        self.computer = computer
        self.save = computer.save()
        self.old, self.old_bucket = computer.tree(), computer.bucket()

    def play(self) -> None:
        """Change what there is."""
        self.computer.furnish()
        self.computer.play()
        self.new, self.new_bucket = self.computer.tree(), self.computer.bucket()

    def seen(self) -> str:
        """Which of the two there is; any mixture only while there is the journal, with which no server starts."""
        if (self.computer.data / ".restoring/plan.json").exists():
            return "under way"
        tree, bucket = saved_part(self.computer.tree()), self.computer.bucket()
        if (tree, bucket) == (saved_part(self.old), self.old_bucket):
            return "put back"
        assert (tree, bucket) == (saved_part(self.new), self.new_bucket)
        return "not yet"

    def order(self, run: str) -> dict[str, Any]:
        """To put everything back."""
        return self.computer.order_to_restore(self.save, run)

    def finish(self, run: str) -> None:
        """The same order again."""
        assert self.computer.restore(self.save, run)["restored"]["files"] == 8
        assert self.seen() == "put back"
        assert not list(self.computer.data.glob(".restoring*"))


@pytest.mark.parametrize("times", SIZES)
def test_putting_back_that_is_ended_at_any_moment_is_whole_once_it_is_ordered_again(
    furnished, times
):
    evening = Evening(furnished)
    chance = random.Random(times)  # noqa: S311
    evening.play()
    longest = duration(lambda: evening.finish("r")) * 1.1
    found = {"not yet": 0, "under way": 0, "put back": 0}
    for number in range(times):
        evening.play()
        task = furnished.start(evening.order(f"r{number}"))
        interrupted(task, chance.uniform(0, longest), number)
        found[evening.seen()] += 1
        evening.finish(f"r{number}")
    proof.record(
        SECTION,
        f"{times} times put back, ended at random: {found['not yet']} times nothing had changed,"
        f" {found['under way']} times the journal was there, {found['put back']} times it was done; the same order"
        " again always put back everything",
        cases=times,
    )


@pytest.mark.parametrize(
    "most", [pytest.param(6, id="some"), pytest.param(1000, id="all", marks=pytest.mark.prove)]
)
def test_putting_back_may_be_killed_before_each_of_its_steps(furnished, most):
    evening = Evening(furnished)
    evening.play()
    steps = steps_of(furnished, evening.order("r"))
    journal, done = (
        next(n for n, step in enumerate(steps) if "os.rename" in step and name in step)
        for name in ("plan.json", ".restoring-done")
    )
    places = range(len(steps)) if most > len(steps) else range(journal, done + 2)
    places = places[:: max(1, len(places) // most)]
    half = 0
    for place in places:
        evening.play()
        kill_when(furnished, evening.order(f"r{place}"), f"n > {place}")
        half += evening.seen() == "under way"
        evening.finish(f"r{place}")
    assert half
    proof.record(
        SECTION,
        f"put back and killed before {len(places)} of its {len(steps)} steps, {half} of them while the journal was"
        " there: the same order again always put back everything",
        cases=len(places),
    )


def test_whatever_is_ordered_next_first_finishes_what_was_begun(furnished):
    evening = Evening(furnished)
    evening.play()
    moves = "event == 'os.rename' and 'old' in str(given) and 'Logs' in str(given)"
    kill_when(furnished, evening.order("r1"), moves)
    assert evening.seen() == "under way"
    furnished.save("s2")
    assert evening.seen() == "put back"
    assert furnished.result("r1")["restored"]["files"] == 8
    assert laid_out(furnished, furnished.result("s2")) == saved_part(furnished.tree())


def test_a_package_that_was_half_put_back_is_whole_once_it_is_ordered_again(furnished):
    before = furnished.tree(WORLD)
    save = furnished.save()
    furnished.write(f"{WORLD}/data/actors/000.ldb", b"changed")
    order = furnished.order_to_restore(save, "r1", world="dragon")
    for number in range(2):
        moves = f"event == 'os.rename' and '/{'new' if number else 'old'}/' in str(given)"
        kill_when(furnished, order, moves)
        assert (furnished.data / ".restoring/plan.json").exists()
    furnished.restore(save, "r1", world="dragon")
    assert furnished.tree(WORLD) == before
    assert not (furnished.data / "Config/clean-stop").exists()


def test_a_save_that_is_asked_to_end_does_so_in_good_order(furnished):
    furnished.save("s1")
    prefix = f"repositories/{furnished.repository}/"
    packs = len(furnished.store.keys("saves", f"{prefix}data/"))
    for number in range(8):
        furnished.write(f"{WORLD}/large{number}", os.urandom(6_000_000))
    task = furnished.start({"do": "save", "run": "s2", "kind": "daily"})
    while len(furnished.store.keys("saves", f"{prefix}data/")) < packs + 3:
        time.sleep(0.01)
    task.send_signal(signal.SIGTERM)
    log, _ = task.communicate(timeout=60)
    assert task.returncode == 143, log
    assert len(furnished.snapshots()) == 3  # of the second, that of the assets, which is nobody's
    assert furnished.result("s2") == {}
    furnished.save("s2")
    assert len(furnished.snapshots()) == 4
