"""What is done with the files of a server at rest, step by step: each step is a run of a file task.

What was decided is `work` of the instance (services/instances.py). While its task is under way the instance has
that run and no other, so that there are never two tasks on one data directory; its status stays as it is. A start
ends a save that the platform makes by itself, and waits for one that was asked for (making_way.py).
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import structlog

from actions.errors import Busy, NoCapacity, PlatformError, StartDelayed
from actions.instances.coming_back import drop_former_secret
from actions.instances.ending import end_task, look_within
from actions.instances.file_decisions import LIMIT_SECONDS, is_lasting
from actions.instances.idling import LOOK_AGAIN_SECONDS
from actions.instances.launching import get_task, launch, note_task
from actions.instances.locking import Lock, lock_instance, lock_run
from actions.instances.making_way import make_way, must_make_way
from actions.instances.retention import expendable
from actions.instances.sleeping import bring_back, doze
from actions.instances.starting import start_file_run, start_purge, start_run
from actions.instances.trial import change_version, is_next_to_change
from actions.notices import tell
from services import clock
from services.aws import AWS_FAILURES
from services.dynamodb import Attr, ConditionFailed, absent, transact
from services.ecs import Task
from services.instances import (
    AT_REST,
    FileWorkKind,
    Instance,
    repository_of,
)
from services.locks import is_locked
from services.platform import Platform
from services.saves import Save

_log = structlog.get_logger()
_BUSY_SECONDS = 60  # until ECS is asked again
# An order has to fit into RunTask's overrides (8 KB). What is named as kept is kept whatever becomes of reports.
_FORGOTTEN_AT_ONCE, _NAMED_AT_ONCE = 20, 80
_STOPPED_SECONDS = 180  # by then a task has stopped that was asked to
_PARTS = 8  # of a repository, of which a task looks at one a week
_WEEK = 7 * 86400


def carry_on(platform: Platform, user_id: str) -> bool:
    """Take what is to be done with a member's files at rest as far as it is due; True if a server started.

    Repeating it is harmless. What fails is left to the tick.
    """
    while instance := _due(platform, user_id):
        work = instance.get("work")
        if work and is_next_to_change(work):
            change_version(platform, instance)
        elif "startsAfter" in instance and "asleep" in instance and not work:
            bring_back(platform, instance, is_wanted=True)
        elif work or "startsAfter" in instance:
            return _last_step(platform, instance)
        elif not doze(platform, instance):
            return False
    return False


def _due(platform: Platform, user_id: str) -> Instance | None:
    """The member's instance, if it rests without a task, nobody works on it, and something is due."""
    instance, now = platform.instances.find(user_id), clock.now()
    if instance is None or instance["status"] not in AT_REST or "runId" in instance:
        return None
    if is_locked(instance, now) or "renews" in instance:
        return None  # whoever has the lock leaves it due; so does what was interrupted
    return instance if instance.get("dueAt", now + 1) <= now else None


def _last_step(platform: Platform, instance: Instance) -> bool:
    """The step behind which something has to be waited for; True if the server started."""
    if "startsAfter" in instance and not is_lasting(instance):
        return _start(platform, instance)
    _begin_step(platform, instance)
    return False


def carry_on_now(platform: Platform, instance: Instance) -> None:
    """Carry on after an end, if there is anything to do. What fails is left to the tick."""
    if not {"work", "startsAfter"} & instance.keys():
        return
    try:
        carry_on(platform, instance["userId"])
    except (PlatformError, ConditionFailed, *AWS_FAILURES):
        _log.warning("what is to be done with files waits for the tick", exc_info=True)


def _begin_step(platform: Platform, instance: Instance) -> None:
    as_read = Attr("work").eq(instance["work"]) & absent("runId")
    try:
        lock = lock_instance(platform, instance, Attr("status").is_in(list(AT_REST)) & as_read, {})
    except ConditionFailed:
        return  # somebody else was quicker
    with lock:
        drop_former_secret(platform, lock.instance)
        _decide_step(lock)
        try:
            task = get_task(lock)
        except (NoCapacity, StartDelayed):
            lock.pause(_BUSY_SECONDS)
        else:
            note_task(lock, task.arn)
    begun = platform.instances.find(instance["userId"])
    if begun and "runId" in begun and must_make_way(begun):
        make_way(platform, begun, is_wanted=True)


def _decide_step(lock: Lock) -> None:
    """Decide the run of the next step, with what its task has to do."""
    platform, instance = lock.platform, lock.instance
    work = instance["work"]
    if work["kind"] == FileWorkKind.SLEEP and "saved" in work:
        start_purge(lock)
        return
    if "inspects" in work:
        start_file_run(lock, "inspect", _of_upload(platform, work["inspects"]))
        return
    if "imports" in work and "saved" in work:
        start_file_run(lock, "import", _of_upload(platform, work["imports"]))
        return
    if "exports" in work:
        start_file_run(lock, "export", _what(work["exports"]))
        return
    if "restores" in work and "saved" in work:
        start_file_run(lock, "restore", _what(work["restores"]))
        return
    saves = platform.saves.of_repository(repository_of(instance))
    leaving = _leaving(platform, instance, saves)
    order = {
        "kind": work["save"],
        "forget": [save["snapshot"] for save in leaving],
        "keep": [save["snapshot"] for save in saves if save not in leaving][-_NAMED_AT_ONCE:],
        "check": _part_to_check(instance),
    }
    start_file_run(lock, "save", order, leaving)


def _what(wanted: Mapping[str, str]) -> dict[str, Any]:
    """Of which snapshot what, as an order has it."""
    parts = {k: (True if k == "all" else v) for k, v in wanted.items() if k != "snapshot"}
    return {"snapshot": wanted["snapshot"], "what": parts}


def _of_upload(platform: Platform, import_id: str) -> dict[str, Any]:
    """Which upload, and what its member's files may come to with it, as an order has it."""
    return {"upload": import_id, "quota": platform.settings.member_bytes}


def _leaving(platform: Platform, instance: Instance, saves: list[Save]) -> list[Save]:
    """The saves that the next task forgets: those that it is not to keep, and what earlier ones have left."""
    wanted = instance["work"].get("restores", {}).get("snapshot")
    free = [save for save in saves if save["snapshot"] != wanted]
    gone = [save for save in free if "leaving" in save]
    staying = [save for save in free if "leaving" not in save]
    newest = instance["lastSave"]["saveId"] if "lastSave" in instance else ""
    rest = expendable(staying, platform.settings.kept, clock.now())
    return [*gone, *(save for save in rest if save["saveId"] != newest)][:_FORGOTTEN_AT_ONCE]


def _part_to_check(instance: Instance) -> str | None:
    """The part of the repository to look at, once a week: each after the one before."""
    last = instance.get("checked")
    if last is None:
        return f"1/{_PARTS}" if "lastSave" in instance else None
    if clock.now() - last["at"] < _WEEK:
        return None
    return f"{int(last['part'].partition('/')[0]) % _PARTS + 1}/{_PARTS}"


def _start(platform: Platform, instance: Instance) -> bool:
    """Start a server whose file task has ended; False if that was refused, of which its member is told.

    Then whatever is still to be done with its files is due again.
    """
    from actions.billing.budget import refuse_start_if_spent

    try:
        refuse_start_if_spent(platform, instance)
        lock = start_run(platform, instance)
        if lock is None:
            return False
        with lock:
            launch(lock)
    except StartDelayed:
        pass  # it is decided
    except PlatformError as error:
        if isinstance(error, Busy):
            raise
        no_more = platform.instances.change(
            instance, Attr("startsAfter").exists() & absent("runId"), {}, ("startsAfter",)
        )
        try:
            platform.instances.apply_update(no_more)
        except ConditionFailed:
            return False
        message = f"Your server did not start: {error.message}"
        notice_id = f"{instance['instanceId']}:{instance['startsAfter']}:start"
        tell(platform, "start-failed", instance, message, notice_id)
        return False
    return True


def follow(platform: Platform, instance: Instance, task: Task | None, *, is_missing: bool) -> None:
    """The tick's look at a file task under way: one that takes too long, or has long not been seen, is ended."""
    now = clock.now()
    begun = (task.started_at or task.created_at) if task else None
    is_late = begun is not None and now - begun > LIMIT_SECONDS
    # ECS may not have known of the task when it was asked to stop it.
    goes_on = now - instance.get("stopAskedAt", now) >= _STOPPED_SECONDS
    if is_missing or is_late or goes_on:
        lock = lock_run(platform, instance, Attr("status").is_in(list(AT_REST)))
        if lock:
            with lock:
                end_task(lock, "It took too long")
        return
    note_up(platform, instance, task)


def note_up(platform: Platform, instance: Instance, task: Task | None) -> None:
    """Note that a file task was seen, and since when AWS bills it; one that a start waits for is ended."""
    if must_make_way(instance):
        make_way(platform, instance, is_wanted=True)
        return
    now = clock.now()
    seen: dict[str, Any] = {"dueAt": now + look_within(instance, LOOK_AGAIN_SECONDS)}
    if task:
        seen["seenAt"] = now
        if task.status == "RUNNING":
            seen["upSince"] = task.pulled_from or task.started_at or now
    same = Attr("runId").eq(instance["runId"]) & absent("stopAskedAt")
    operations = [platform.instances.change(instance, same, seen)]
    if "upSince" in seen and "upSince" not in instance:
        operations.append(platform.runs.note_start(instance["runId"], seen["upSince"]))
    with suppress(ConditionFailed):  # it is being ended, or over
        transact(*operations)
