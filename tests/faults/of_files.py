"""The stories of members' files: saved after a stop and when asked for, put back, named, deleted."""

from __future__ import annotations

import os
import time
from typing import Any

from tests import world
from tests.faults.inventory import items
from tests.faults.scenario import ADA, BOB, PREPARE, TICK, OfFiles, nothing
from tests.faults.stage import FILES, HOLD_SECONDS, Stage, succeeded
from tests.file_tasks import put_parts
from tests.world import sample

SESSION_SECONDS = 3600
DAY = 86400


def _running(stage: Stage) -> None:
    """A server runs that is saved after each stop."""
    _set(SAVES_KEPT="5,4,6")
    nothing(stage)
    stage.does("create-instance")
    stage.does("start-instance")


def being_saved(stage: Stage) -> None:
    """It has stopped, and the task that saves it was asked for."""
    _running(stage)
    _stop(stage)


def _stop(stage: Stage) -> None:
    stage.asks("stop-instance")
    _arrives(stage)
    stage.ecs_moves()
    _arrives(stage)


def _arrives(stage: Stage) -> None:
    """What is on its way arrives; ECS stands still."""
    while stage.pending:
        stage.call(stage.pending.pop(0))


def _asks(stage: Stage, name: str) -> None:
    """Ada asks for something about her first save."""
    answer = stage.call({"action": name, "userId": ADA, "saveId": the_first_save()})
    assert succeeded(answer), answer


def saved(stage: Stage) -> None:
    """It has stopped and was saved."""
    _running(stage)
    stage.does("stop-instance")


def _saved_twice(stage: Stage) -> None:
    saved(stage)
    stage.does("start-instance")
    stage.does("stop-instance")


def _deleted(stage: Stage) -> None:
    """One of two saves is to be forgotten by the next task."""
    _saved_twice(stage)
    _asks(stage, "delete-save")


def _saved_by_an_older_program(stage: Stage) -> None:
    """The definition of file tasks would be another one by now."""
    saved(stage)
    _set(EXECUTION_ROLE="another")


def _failed(stage: Stage) -> None:
    """The task that was to save it has failed."""
    being_saved(stage)
    (task,) = stage.alive()
    _fails(stage, task)


def _failed_often(stage: Stage) -> None:
    """So often that it is tried once more only."""
    _failed(stage)
    for wait in (5, 10, 20):
        stage.clock.tick(wait * 60)
        stage.asks(TICK)
        (task,) = stage.alive()
        _fails(stage, task)


def _fails(stage: Stage, task: Any) -> None:
    stage.ecs.up(task.task_arn)
    FILES.fail(task.task_arn, "unreachable")
    stage.clock.tick(30)
    stage.call(stage.ecs.ended(task.task_arn, exit_code=1))
    _arrives(stage)


def _being_put_back(stage: Stage) -> None:
    """What there was is saved, and the task that puts the files back was asked for."""
    _saved_twice(stage)
    _asks(stage, "restore-save")
    stage.ecs_moves()
    _arrives(stage)


def _half_put_back(stage: Stage) -> None:
    """The task that puts files back was killed in the midst of it, and that is known."""
    _being_put_back(stage)
    (task,) = stage.alive()
    stage.ecs.up(task.task_arn)
    while not FILES.has_begun(task.task_arn):
        FILES.goes_on(task.task_arn)
    stage.clock.tick(30)
    stage.call(stage.ecs.ended(task.task_arn, exit_code=137))
    _arrives(stage)


def _out_of_memory(stage: Stage) -> None:
    """Its task has ended for want of memory; the event of it is on its way."""
    _running(stage)
    said = "OutOfMemoryError: Container killed due to memory usage"
    stage.pending.append(stage.ecs.ended(stage.ecs.only_task(), exit_code=137, reason=said))


def _saved_shortly_before_a_session(stage: Stage) -> None:
    """A session is about to be prepared while the server is being saved."""
    _running(stage)
    stage.asks("schedule-session", startTime=int(time.time()) + SESSION_SECONDS)
    stage.clock.tick(SESSION_SECONDS - HOLD_SECONDS - 60)
    _stop(stage)


def _gone(stage: Stage) -> None:
    """It was destroyed, and can come back."""
    saved(stage)
    stage.does("destroy-instance")
    while any(item["userId"] == ADA for item in items("instances")):
        stage.tick()
        stage.go_on()


def _updated(stage: Stage) -> None:
    """It has run on another version, and may not like it."""
    saved(stage)
    stage.does("update-version", foundryVersion="14")
    stage.does("start-instance")
    stage.does("stop-instance")


def _told_of_sleep(stage: Stage) -> None:
    """Nobody has played for sixty days, and its member was told twice that it falls asleep."""
    _set(KEEP_DAYS="30,60")
    saved(stage)
    for days in (46, 12):
        stage.clock.tick(days * DAY)
        stage.asks(TICK)
        _arrives(stage)
    stage.clock.tick(2 * DAY)


def _asleep(stage: Stage) -> None:
    """Its files are a save only."""
    _told_of_sleep(stage)
    while not any("asleep" in item for item in items("instances")):
        stage.tick()
        stage.go_on()


def _uploaded(stage: Stage) -> None:
    """Her server is saved, and all parts of an archive are put."""
    saved(stage)
    stage.call({"action": "begin-import", "userId": ADA, **SIZE})
    put_parts(_of_ada())


def _half_uploaded(stage: Stage) -> None:
    """Her server is saved, and she has put nothing yet."""
    saved(stage)
    stage.call({"action": "begin-import", "userId": ADA, **SIZE})


def _found(stage: Stage) -> None:
    """The archive was looked into."""
    _uploaded(stage)
    stage.call({"action": "begin-import", "userId": ADA, **SIZE})
    stage.go_on()


def _of_ada() -> dict[str, Any]:
    return next(item for item in items("instances") if item["userId"] == ADA)


def the_import() -> str:
    """The id of Ada's upload."""
    return str(_of_ada()["upload"]["importId"])


def _set(**settings: str) -> None:
    """Of this copy of the stage: it is a process of its own."""
    os.environ.update(settings)
    world.new_process()


def the_first_save() -> str:
    """The id of the oldest save."""
    return str(min(item["saveId"] for item in items("saves")))


FIRST = {"saveId": the_first_save}
FORGET = {"forget": True}
SIZE = {"bytes": 1000}
UPLOAD = {"importId": the_import}
TO_BOB = {"userId": "admin", "targetUserId": ADA, "toUserId": BOB["userId"]}
KEYS = {
    name: value
    for name, value in sample("create-instance").items()
    if name not in ("action", "userId", "username")
}
AT_REST = "stopped, done"
OF_FILES = (
    OfFiles("save after a stop", _running, "stop-instance", AT_REST),
    OfFiles("save after running out of memory", _out_of_memory, "", "running, done"),
    OfFiles("save now", saved, "save-now", AT_REST, more={"label": "Mine"}, again=True),
    OfFiles("save now while it is saved", being_saved, "save-now", AT_REST, again=True),
    OfFiles("save by another program", _saved_by_an_older_program, "save-now", AT_REST, again=True),
    OfFiles("save and forget", _deleted, "save-now", AT_REST, again=True),
    OfFiles("put back", _saved_twice, "restore-save", AT_REST, more=FIRST, again=True),
    OfFiles(
        "put a world back",
        _saved_twice,
        "restore-save",
        AT_REST,
        more=FIRST | {"world": "a-world"},
        again=True,
    ),
    OfFiles("export a save", saved, "export-save", AT_REST, more=FIRST, again=True),
    OfFiles("begin an import", saved, "begin-import", AT_REST, more=SIZE),
    OfFiles("begin another import", _half_uploaded, "begin-import", AT_REST, more={"bytes": 2000}),
    OfFiles("look into an upload", _uploaded, "begin-import", AT_REST, more=SIZE, again=True),
    OfFiles("take an upload in", _found, "confirm-import", AT_REST, more=UPLOAD, again=True),
    OfFiles("name a save", saved, "label-save", AT_REST, more=FIRST | {"locked": True}),
    OfFiles("a save less", _saved_twice, "delete-save", AT_REST, more=FIRST),
    OfFiles("start while it is saved", being_saved, "start-instance", "running, done"),
    OfFiles("destroy while it is saved", being_saved, "destroy-instance", None),
    OfFiles("destroy and forget what is saved", being_saved, "destroy-instance", None, more=FORGET),
    OfFiles(
        "destroy while files are put back", _being_put_back, "destroy-instance", None, more=FORGET
    ),
    OfFiles("come back", _gone, "restore-instance", "created, done", undone=True, more=KEYS),
    OfFiles("hand saves over", _gone, "admin-hand-over-saves", None, more=TO_BOB),
    OfFiles("save and update", saved, "update-version", AT_REST, more={"foundryVersion": "14"}),
    OfFiles("undo an update", _updated, "undo-update", AT_REST, again=True),
    OfFiles("destroy what was saved", _saved_twice, "destroy-instance", None),
    OfFiles("fall asleep", _told_of_sleep, TICK, AT_REST),
    OfFiles("wake with all files", _asleep, "start-instance", "running, done"),
    OfFiles("destroy what is asleep", _asleep, "destroy-instance", None),
    OfFiles("tick after a save that failed", _failed, TICK, AT_REST),
    OfFiles("tick after saves that failed", _failed_often, TICK, AT_REST),
    OfFiles("tick after files were half put back", _half_put_back, TICK, AT_REST),
    OfFiles(
        "prepare a session while it is saved",
        _saved_shortly_before_a_session,
        PREPARE,
        "running, done",
        races=True,
    ),
)
