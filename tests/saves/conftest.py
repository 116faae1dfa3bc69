"""A server that was played on, with saves after each stop."""

from __future__ import annotations

import pytest

from tests import world
from tests.file_tasks import Files
from tests.world import sample

USER = sample("create-instance")["userId"]
DAY = 86400
TEN_O_CLOCK = "2026-11-26 22:00:00"


@pytest.fixture
def files() -> Files:
    """The files of all servers."""
    return Files()


@pytest.fixture
def saving(aws, freezer, monkeypatch):
    """Servers are saved after each stop, as a stack does unless its operator says otherwise."""
    freezer.move_to(TEN_O_CLOCK)
    monkeypatch.setenv("SAVES_KEPT", "5,4,6")
    world.new_process()


@pytest.fixture
def evening(saving, invoke, ecs, files, freezer):
    """Play for two hours and stop; returns the ARN of the task that follows, unless that makes way already."""

    def play() -> str | None:
        invoke("start-instance", userId=USER)
        (task,) = ecs.tasks()
        ecs.comes_up(task)
        freezer.tick(7200)
        files.played(access_point())
        invoke("stop-instance", userId=USER)
        ecs.ends(task)
        return next(iter(ecs.tasks()), None)

    invoke(sample("create-instance"))
    return play


@pytest.fixture
def save(ecs, files, freezer):
    """Let a file task do its work and end."""

    def carry_out(task: str, **otherwise):
        ecs.comes_up(task)
        freezer.tick(40)
        report = files.carry_out(task, **otherwise)
        ecs.ends(task)
        return report

    return carry_out


@pytest.fixture
def dormant(saving, monkeypatch):
    monkeypatch.setenv("KEEP_DAYS", "30,60")
    world.new_process()


@pytest.fixture
def tick(invoke, freezer):
    def later(days=0):
        freezer.tick(days * DAY + 1)
        answer = invoke("auto-shutdown-check", userId="system")
        assert answer["failures"] == 0
        return answer["instancesChecked"]

    return later


@pytest.fixture
def left_alone(dormant, evening, save):
    save(evening())
    return instance()


@pytest.fixture
def erased(ecs, files):
    def erase(exit_code=0):
        (task,) = ecs.tasks()
        assert not files.is_file_task(task)
        ecs.comes_up(task)
        files.content[access_point()] = 0
        ecs.ends(task, exit_code=exit_code)

    return erase


@pytest.fixture
def sixty_days(tick):
    """Nobody plays for so long that the server begins to fall asleep, with the ticks that tell and decide."""

    def pass_by():
        for days in (46, 12, 2):
            tick(days)

    return pass_by


@pytest.fixture
def two_tries_fail(invoke, ecs, files, freezer):
    """A file task and the one that tries it again reach no S3: then nothing is tried any more."""

    def fail():
        for _ in range(2):
            (task,) = ecs.tasks()
            ecs.comes_up(task)
            files.fail(task, "unreachable")
            ecs.ends(task, exit_code=1)
            freezer.tick(301)
            invoke("auto-shutdown-check", userId="system")

    return fail


@pytest.fixture
def asleep(left_alone, sixty_days, erased):
    sixty_days()
    erased()
    return left_alone


@pytest.fixture
def purge(ecs):
    def erase():
        (task,) = ecs.tasks()
        ecs.comes_up(task)
        ecs.ends(task)

    return erase


@pytest.fixture
def played(evening, save):
    save(evening())
    return instance()


@pytest.fixture
def destroyed(played, invoke, freezer, purge):
    """Destroyed an hour after the last save, which nothing has changed since."""
    freezer.tick(3600)
    answer = invoke("destroy-instance", userId=USER)
    assert answer["success"]
    purge()
    assert world.items("instances") == []
    return played


def instance():
    (item,) = world.items("instances")
    return item


def access_point():
    return instance()["accessPointId"]
