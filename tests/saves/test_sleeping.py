"""A server that nobody has played on for sixty days falls asleep, and has its files back before it next starts."""

from __future__ import annotations

import time

import pytest

from tests import world
from tests.recount import disagreements
from tests.saves.conftest import USER, access_point, instance
from tests.saves.played import come_back, notices, saves

pytestmark = pytest.mark.slow
DAY = 86400


def test_its_member_is_told_twice_before_it_falls_asleep(left_alone, tick, erased, ecs):
    assert tick(45) == 0, "nothing is due before"
    for days in (1, 12):
        tick(days)
        assert ecs.tasks() == []
    assert [n["facts"]["days"] for n in notices("falls-asleep")] == [14, 2]
    tick(2)
    erased()
    assert instance()["asleep"]["snapshot"] == saves()[0]["snapshot"]
    assert not {"work", "due", "runId"} & instance().keys()
    assert len(saves()) == 1, "what is saved already is not saved again"
    assert disagreements(world.items) == {}


def test_however_late_the_tick_is_there_are_days_between_the_notices(left_alone, tick, ecs):
    for _ in range(3):
        tick(100 if not notices("falls-asleep") else 1)
    assert ecs.tasks() == []
    assert len(notices("falls-asleep")) == 1


@pytest.mark.parametrize("off", [{"KEEP_DAYS": "30,0"}, {"SAVES_KEPT": "0,0,0"}])
def test_when_that_is_turned_off_nobody_is_told_of_it(left_alone, tick, monkeypatch, off):
    for name, value in off.items():
        monkeypatch.setenv(name, value)
    world.new_process()
    tick(46)
    assert notices("falls-asleep") == []
    assert "due" not in instance()


def test_who_plays_once_keeps_it_as_it_is(left_alone, tick, evening, save, ecs):
    tick(46)
    save(evening())
    tick(20)
    assert "asleep" not in instance()
    assert ecs.tasks() == []
    tick(26)
    assert [n["facts"]["days"] for n in notices("falls-asleep")] == [14, 14]


@pytest.mark.parametrize("meant", ["to tell", "to let it sleep"])
def test_who_starts_it_at_that_moment_keeps_it_awake(
    left_alone, tick, invoke, ecs, meanwhile, meant
):
    if meant == "to let it sleep":
        tick(46)
        tick(12)
    with meanwhile("UpdateItem", lambda: invoke("start-instance", userId=USER)):
        tick(2 if meant == "to let it sleep" else 46)
    assert "work" not in instance()
    assert instance()["status"] == "starting"
    assert len(ecs.tasks()) == 1


def test_its_files_are_back_before_it_starts(asleep, invoke, ecs, save, files):
    saved = files.saved[asleep["instanceId"]][saves()[0]["snapshot"]]
    assert invoke("status", userId=USER)["asleep"]["since"]
    answer = invoke("start-instance", userId=USER)
    assert answer["status"] == "starting"
    assert "asleep" in answer["message"]
    (restorer,) = ecs.tasks()
    assert files.is_file_task(restorer)
    save(restorer)
    assert files.content[access_point()] == saved
    (task,) = ecs.tasks()
    ecs.comes_up(task)
    assert invoke("status", userId=USER)["status"] == "running"
    assert not {"asleep", "work", "startsAfter"} & instance().keys()


def test_a_start_while_its_files_are_erased_comes_after_they_are_back(
    left_alone, invoke, ecs, erased, save, sixty_days
):
    sixty_days()
    assert invoke("start-instance", userId=USER)["status"] == "starting"
    erased()
    (restorer,) = ecs.tasks()
    save(restorer)
    (task,) = ecs.tasks()
    ecs.comes_up(task)
    assert invoke("status", userId=USER)["status"] == "running"


def test_the_page_that_wakes_it_says_that_files_are_put_back_and_how_long_that_takes(
    asleep, invoke, ecs, save, files, freezer
):
    host = {"host": asleep["host"]}
    invoke("set-wake", userId=USER, who="anyone")
    nonce = invoke("table-page", **host)["nonce"]
    assert invoke("wake-table", **host, nonce=nonce)["phase"] == "restoring"
    (task,) = ecs.tasks()
    ecs.comes_up(task)
    assert invoke("table-state", **host)["about"] is None
    files.tell(task, {"step": "files", "secondsLeft": 100, "at": int(time.time())})
    took = max(instance()["lastArrival"].values())
    assert invoke("table-state", **host)["about"] == -(-(100 + took) // 5) * 5
    assert invoke("table-page", **host)["phase"] == "restoring"
    save(task)
    assert invoke("table-state", **host)["phase"] == "machine"


def test_a_session_wakes_it(asleep, invoke, ecs, save, freezer):
    from services import clock

    start = clock.now() + 7200
    booked = invoke(
        "schedule-session", userId=USER, startTime=start, duration=120, title="The dragon"
    )
    assert booked["success"], booked
    freezer.tick(7200 - 599)
    invoke("prepare-sessions", userId="system")
    (restorer,) = ecs.tasks()
    freezer.tick(301)
    save(restorer)
    freezer.tick(60)
    invoke("prepare-sessions", userId="system")
    (task,) = ecs.tasks()
    ecs.comes_up(task)
    assert invoke("status", userId=USER)["status"] == "running"


def test_what_sleeps_is_destroyed_and_comes_back(asleep, invoke, ecs, save, files):
    saved = files.saved[asleep["instanceId"]][saves()[0]["snapshot"]]
    assert "keptUntil" in invoke("destroy-instance", userId=USER)
    (purge,) = ecs.tasks()
    assert not files.is_file_task(purge), "it is not saved as it is, with nothing in it"
    ecs.ends(purge)

    assert come_back(invoke)["success"]
    (restorer,) = ecs.tasks()
    save(restorer)
    assert files.content[access_point()] == saved


def test_what_was_to_be_erased_by_a_task_that_ecs_has_forgotten_is_erased_by_another(
    left_alone, tick, invoke, ecs, erased, freezer, sixty_days
):
    sixty_days()
    (task,) = ecs.tasks()
    ecs.comes_up(task)
    ecs.forgets(task)
    for _ in range(12):
        freezer.tick(301)
        invoke("auto-shutdown-check", userId="system")
        if ecs.tasks():
            break
    erased()
    assert instance()["asleep"]
    assert not {"work", "due", "runId"} & instance().keys()


def test_while_it_falls_asleep_it_says_that_what_is_erased_is_saved(
    left_alone, invoke, ecs, sixty_days
):
    sixty_days()
    said = "The server is stopped. Its files, which are saved, are about to be erased."
    assert invoke("status", userId=USER)["message"] == said
    ecs.comes_up(task := ecs.only_task())
    assert invoke("status", userId=USER)["message"] == said
    ecs.ends(task, exit_code=1)
    told = invoke("status", userId=USER)["message"]
    assert "Its files, which are saved, could not be erased:" in told
    assert "tried again" in told
